// Chromium says `en-US@posix` where the system has no language of its own, and uPlot 1.6 does not survive that (2026-11).
try {
  new Intl.NumberFormat(navigator.language)
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en' })
}
