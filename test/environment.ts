/**
 * What a machine's environment may say that tests, and all processes that they start, must not hear: they inherit
 * `process.env` of the worker that this runs in. GitHub's CI made Node count one colour on a terminal (2026-11).
 */
const STRANGE =
  /^(CI|CI_NAME|TF_BUILD|AGENT_NAME|GITHUB_\w+|GITEA_\w+|GITLAB_CI|CIRCLECI|TRAVIS|BUILDKITE|DRONE|APPVEYOR|TEAMCITY_VERSION|TERM_PROGRAM(_VERSION)?|TMUX|COLORTERM|NO_COLOR|FORCE_COLOR|NODE_DISABLE_COLORS|NODE_OPTIONS|NODE_DEBUG|DEBUG|HOST|PORT|HOLDLINE\w*)$/

for (const name of Object.keys(process.env)) if (STRANGE.test(name)) delete process.env[name]

// Packages may have to be fetched by a proxy, but what is asked of here never is.
process.env.NO_PROXY = process.env.no_proxy = '127.0.0.1,localhost'
