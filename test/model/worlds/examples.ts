import * as fs from 'fs';
import * as path from 'path';
import { parseAllDocuments } from 'yaml';
import { WorldObject } from './world';

const EXAMPLES = path.join(__dirname, '../../../examples');
/** The examples with the same namespaces and gateways as the worlds. */
const NAMES = [
  'b-http-only',
  'c-http-and-https',
  'd-tls-at-sidecar',
  'e-http-through-gateway',
  'f-tls-at-gateway',
  'g1-https-through-gateway',
  'g2-client-certificate',
];
const RENAMED: readonly (readonly [RegExp, string])[] = [
  [/www\.aliyun\.com/g, 'news.example.com'],
  [/hbchen\.com/g, 'api.example.com'],
  [/api\.partner\.com/g, 'partner.example.net'],
];
/** The same gateway, installed differently. */
const INSTALLED: readonly (readonly [RegExp, string])[] = [
  [/targetPort: 8443/g, 'targetPort: 443'],
  [/istio-egressgateway-service-account/g, 'istio-egressgateway'],
];

/** The golden manifests of the examples, for the hosts of the worlds. */
export function exampleManifests(): { readonly objects: WorldObject[]; readonly hosts: string[] }[] {
  return NAMES.map((name) => {
    const folder = path.join(EXAMPLES, name, 'manifests');
    const text = fs
      .readdirSync(folder)
      .sort()
      .map((file) => fs.readFileSync(path.join(folder, file), 'utf8'))
      .join('\n---\n');
    const renamed = [...RENAMED, ...INSTALLED].reduce((now, [from, to]) => now.replace(from, to), text);
    const objects = parseAllDocuments(renamed)
      .map((document) => document.toJS())
      .filter(Boolean) as WorldObject[];
    return { objects, hosts: RENAMED.map(([, to]) => to).filter((host) => renamed.includes(host)) };
  });
}
