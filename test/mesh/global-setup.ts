import { printCrdDifferences } from './crd-differences';
import { binaries, requireSystem, watchForTheEnd } from './lab';

/** Runs in jest's own process before the suites: it receives signals, the tests' copy of `process` does not. */
export default async function globalSetup(): Promise<void> {
  process.env.MESH_OWNER = String(process.pid); // for the workers, which inherit it
  watchForTheEnd();
  await requireSystem();
  await binaries();
  await printCrdDifferences();
}
