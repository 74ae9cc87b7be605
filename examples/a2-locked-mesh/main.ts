import { App, Chart } from 'cdk8s';
import { RegistryOnlyMesh } from 'cdk8s-istio-egress';

const app = new App();
const platform = new Chart(app, 'platform', { namespace: 'istio-system' });

// A call to a host that is not declared is refused, in the whole mesh.
new RegistryOnlyMesh(platform, 'lock');

app.synth();
