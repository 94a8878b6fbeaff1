/**
 * The shipped quickstart, embedded so that it is there too when the module was imported by URL.
 *
 * @module
 */

import text from "../../configs/quickstart.yaml" with { type: "text" };

/** The YAML text of configs/quickstart.yaml, for `loadConfig({ text })`. */
export const quickstartYaml: string = text;
