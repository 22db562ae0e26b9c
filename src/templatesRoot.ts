/** Directly under src/, so that the path is the same from src/, from dist/ and from the bundle. */
export const templatesRoot = new URL('../templates/', import.meta.url);
