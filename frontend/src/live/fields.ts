// Keys of metrics.json and history.tsv, as a reader calls them.

const NAMES: Record<string, string> = {
  n: "Sequences",
  n_positive: "Positive sequences",
  outputs: "Outputs",
  classes: "Classes",
  threshold: "Threshold of the probability",
  accuracy: "Accuracy",
  auroc: "AUROC",
  auprc: "AUPRC",
  brier: "Brier score",
  deviance: "Deviance",
  f1: "F1",
  jsd: "JSD",
  jsd_average: "JSD of the average profile",
  jsd_lead: "JSD less than that",
  learning_rate: "Learning rate",
  log_loss: "Log loss",
  loss: "Loss",
  mse: "Mean squared error",
  pearson: "Pearson r",
  r2: "R\u00b2",
  spearman: "Spearman \u03c1",
};
const SETS: Record<string, string> = { train: "Training", valid: "Validation", val: "Validation", test: "Test" };

export function nameOfSet(key: string): string {
  return SETS[key] ?? sentenceCase(key);
}

/** The name of a number; that of a set stands before it where the key says which. */
export function nameOf(key: string): string {
  const [, set, rest] = /^(train|valid|val|test)_(.+)$/.exec(key) ?? [];
  if (set === undefined || rest === undefined) return NAMES[key] ?? sentenceCase(key);
  const name = nameOf(rest);
  const isWord = /^[A-Z][a-z]/.test(name) && !/^(Pearson|Spearman|Brier)/.test(name); // no acronym, nobody's name
  return `${nameOfSet(set)} ${isWord ? name.charAt(0).toLowerCase() + name.slice(1) : name}`;
}

function sentenceCase(key: string): string {
  const words = key.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
