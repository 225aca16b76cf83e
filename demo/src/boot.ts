// Boot: what need not wait for the page's modules. The theme, before anything is painted in the
// other one; and the engine, on its way and compiling while the modules still load.
import { engineOnItsWay } from "./engine.js";
import { restoreTheme } from "./theme.js";

restoreTheme();
engineOnItsWay().catch(() => undefined);
