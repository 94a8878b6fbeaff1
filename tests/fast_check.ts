/**
 * Random inputs for tests of properties: the one place that names fast-check.
 *
 * @module
 */
import * as fc from "npm:fast-check@4.10.2";

// The same inputs every time, so that the suite never fails by luck. Change it to look further.
fc.configureGlobal({ seed: 20250813 });

export { fc };
