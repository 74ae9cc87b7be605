/** `npm run mesh -- <manifests> <access.yaml>`: the same for your own manifests, a file or a folder of YAML. */
import { NotPossible } from './lab';
import { readManifests, readTable } from './read';
import { runTable } from './run-table';

async function main([manifests, access]: string[]): Promise<boolean> {
  if (manifests === undefined || access === undefined)
    throw new NotPossible('usage: npm run mesh -- <manifests: a file or a folder> <access.yaml>');
  const { passed, failed } = await runTable(readTable(access), readManifests(manifests));
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0;
}

main(process.argv.slice(2)).then(
  (good) => process.exit(good ? 0 : 1),
  (error) => {
    console.error(error instanceof NotPossible ? error.message : error);
    process.exit(2);
  },
);
