export const STUB = 1;
