import { App, Chart } from 'cdk8s';
import {
  Caller,
  ClientCertificate,
  GatewayEgress,
  GatewayInstallation,
  InstalledEgressGateway,
  RegistryOnlyMesh,
} from 'cdk8s-istio-egress';

const app = new App();

const platform = new Chart(app, 'platform', { namespace: 'egress' });
new RegistryOnlyMesh(platform, 'lock');
const exit = new InstalledEgressGateway(platform, 'exit', {
  installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
});

// Two services of one team call the same bank, each with the certificate of its own contract. The label `app` tells
// their pods apart.
const team = new Chart(app, 'shop', { namespace: 'shop' });
for (const name of ['checkout', 'payroll']) {
  const bank = new GatewayEgress(team, `bank-for-${name}`, {
    gateway: exit,
    hosts: ['api.bank.com'],
    callers: [Caller.serviceAccount('shop', name, { podLabels: { app: name } })],
    separateCallers: true,
  });
  bank.originateTls('tls', { clientCertificate: ClientCertificate.fromSecret(`${name}-client`) });
}

app.synth();
