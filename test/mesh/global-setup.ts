import { printCrdDifferences } from './crd-differences';
import { binaries, requireSystem, watchForTheEnd } from './lab';

/** Runs in jest's own process before the suites: this one hears signals, the tests' copy of `process` does not. */
export default async function globalSetup(): Promise<void> {
  watchForTheEnd();
  await requireSystem();
  await binaries();
  await printCrdDifferences();
}
