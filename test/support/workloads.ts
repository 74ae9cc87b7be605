import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';

/** A Deployment written as a plain ApiObject. */
export function deployment(scope: Construct, id = 'app', template: object = {}): ApiObject {
  return new ApiObject(scope, id, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    spec: {
      selector: { matchLabels: { app: id } },
      template: {
        metadata: { labels: { app: id } },
        spec: { containers: [{ name: 'app', image: 'app' }] },
        ...template,
      },
    },
  });
}
