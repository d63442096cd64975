-- Written by the first schema in a Durable Object (commit e3dba1e), dumped.
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "meta" VALUES('state','{"count":2}');
CREATE TABLE packs (
    epoch TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, time INTEGER NOT NULL,
    ids TEXT, entries TEXT NOT NULL, PRIMARY KEY (epoch, first)
  ) WITHOUT ROWID;
INSERT INTO "packs" VALUES('0mvoxwmbku3z0ms',1,2,1793000000000,'[["backend one",1,3]]','
{"type":"message","cursor":"0mvoxwmbku3z0ms-11","id":"one","data":"first","time":1793000000000}

{"type":"message","cursor":"0mvoxwmbku3z0ms-12","id":"made","data":{"n":1.5},"time":1793000000000}');
INSERT INTO "packs" VALUES('0mvoxwmbku3z0ms',3,4,1793000001000,'[["backend two",4,3]]','
{"type":"message","cursor":"0mvoxwmbku3z0ms-13","id":"made","data":"second","time":1793000001000}

{"type":"message","cursor":"0mvoxwmbku3z0ms-14","id":"two","data":"third","time":1793000001000}');
CREATE TABLE sessions (id TEXT PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "sessions" VALUES('ada','{"id":"ada","user":"u","presence":{"version":1}}');
