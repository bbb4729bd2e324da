// Sets the chosen theme before anything is drawn, so that the page does not flash. No module, because those run later.
try {
  const theme = localStorage.getItem("vitascope.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  /* a browser that keeps nothing follows the system */
}
