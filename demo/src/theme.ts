// Theme and memory: what the page remembers between visits, where it may.

export function switchTheme(): void {
  const root = document.documentElement;
  const dark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  store("convscope.theme", root.dataset.theme);
}

/** Storage may be forbidden; the page then simply does not remember. */
export function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function store(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Not remembered.
  }
}

/** Light or dark as it was last chosen; else as the system says. */
export function restoreTheme(): void {
  const theme = stored("convscope.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
}
