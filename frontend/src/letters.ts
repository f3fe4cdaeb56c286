// Letters as outlines in a box of 1 x 1, y downward: they fill their box, which fonts do not.

export const BASES = "ACGT";

export const OUTLINES: readonly string[] = [
  "M0 1L.37 0H.63L1 1H.79L.715.77H.285L.21 1ZM.34.6H.66L.5.13Z",
  "M1 .64C.98.87.8 1 .53 1C.2 1 0 .8 0 .5C0 .2 .2 0 .53 0C.8 0 .97.13.99.34H.77C.75.23.67.17.53.17" +
    "C.33.17.23.29.23.5C.23.71.33.83.53.83C.67.83.76.76.78.64Z",
  "M1 .45V.9C.87.97.72 1 .55 1C.2 1 0 .81 0 .5C0 .2 .21 0 .55 0C.81 0 .96.12.99.32H.76C.74.23.67.17.55.17" +
    "C.34.17.23.29.23.5C.23.72.34.83.57.83C.65.83.72.82.78.79V.6H.56V.45Z",
  "M0 0H1V.18H.615V1H.385V.18H0Z",
];

let paths: Path2D[] | null = null;

export function letterPath(base: number): Path2D | undefined {
  paths ??= OUTLINES.map((d) => new Path2D(d));
  return paths[base];
}
