-- Written by the first schema on Node (commit e3dba1e), dumped.
CREATE TABLE epochs (
    room INTEGER NOT NULL,
    name TEXT NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (room, name)
  ) STRICT, WITHOUT ROWID;
INSERT INTO "epochs" VALUES(1,'0mvoxwmbkaaaaaa',2);
CREATE TABLE ids (
    room INTEGER NOT NULL,
    key TEXT NOT NULL,
    epoch TEXT NOT NULL,
    "offset" INTEGER NOT NULL,
    fingerprint INTEGER NOT NULL,
    PRIMARY KEY (room, key)
  ) STRICT, WITHOUT ROWID;
INSERT INTO "ids" VALUES(1,'backend one','0mvoxwmbkaaaaaa',1,3);
INSERT INTO "ids" VALUES(1,'backend two','0mvoxwn3cbbbbbb',2,3);
INSERT INTO "ids" VALUES(2,'backend three','0mvoxwnv4bbbbbb',1,5);
CREATE TABLE packs (
    room INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    time INTEGER NOT NULL,
    entries TEXT NOT NULL,
    PRIMARY KEY (room, epoch, first)
  ) STRICT, WITHOUT ROWID;
INSERT INTO "packs" VALUES(1,'0mvoxwmbkaaaaaa',1,2,1793000000000,'
{"type":"message","cursor":"0mvoxwmbkaaaaaa-11","id":"one","data":"first","time":1793000000000}

{"type":"message","cursor":"0mvoxwmbkaaaaaa-12","id":"made","data":{"n":1.5},"time":1793000000000}');
INSERT INTO "packs" VALUES(1,'0mvoxwn3cbbbbbb',1,2,1793000001000,'
{"type":"message","cursor":"0mvoxwn3cbbbbbb-11","id":"made","data":"second","time":1793000001000}

{"type":"message","cursor":"0mvoxwn3cbbbbbb-12","id":"two","data":"third","time":1793000001000}');
INSERT INTO "packs" VALUES(2,'0mvoxwnv4bbbbbb',1,1,1793000002000,'
{"type":"message","cursor":"0mvoxwnv4bbbbbb-11","id":"three","data":"elsewhere","time":1793000002000}');
CREATE TABLE rooms (
    room INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    state TEXT
  ) STRICT;
INSERT INTO "rooms" VALUES(1,'lobby','{"count":2}');
INSERT INTO "rooms" VALUES(2,'other',NULL);
CREATE TABLE sessions (
    room INTEGER NOT NULL,
    id TEXT NOT NULL,
    row TEXT NOT NULL,
    PRIMARY KEY (room, id)
  ) STRICT, WITHOUT ROWID;
INSERT INTO "sessions" VALUES(1,'ada','{"id":"ada","user":"u","presence":{"version":1}}');
PRAGMA user_version = 1;
