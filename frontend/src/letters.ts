// The letters that the motif logos have too: outlines in a box of 100 x 100, y downward, from
// Python. They fill their box, which the letters of a font do not.

export const BASES = "ACGT";
export const BOX = 100;

export class Letters {
  private readonly paths: Path2D[];

  constructor(readonly outlines: readonly string[]) {
    this.paths = outlines.map((d) => new Path2D(d));
  }

  path(base: number): Path2D | undefined {
    return this.paths[base];
  }
}
