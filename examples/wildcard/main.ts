import { App, Chart } from 'cdk8s';
import { EgressPort, SidecarEgress } from 'cdk8s-istio-egress';

const app = new App();
app.node.setContext('istioVersion', '1.30'); // the first release whose sidecars resolve wildcards

const team = new Chart(app, 'shop', { namespace: 'shop' });

// Every name below tenants.example.com, over HTTP and the application's own TLS.
new SidecarEgress(team, 'tenants', { hosts: ['*.tenants.example.com'] });

// And one host by its full name, on the same ports.
new SidecarEgress(team, 'site', { hosts: ['www.example.org'], ports: [EgressPort.http(), EgressPort.tls()] });

app.synth();
