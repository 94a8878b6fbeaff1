/** The version of this library; deno.json's. */
export const version: string = "0.1.0";
