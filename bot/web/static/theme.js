// Sets the chosen theme before the first paint; loaded in the head, hence no module.
(() => {
  try {
    const theme = localStorage.getItem("roomwise.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage may be forbidden; then the system's choice holds.
  }
})();
