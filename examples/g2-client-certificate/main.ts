import { App, Chart } from 'cdk8s';
import {
  Caller,
  ClientCertificate,
  GatewayEgress,
  GatewayInstallation,
  InstalledEgressGateway,
  TlsOrigination,
} from 'cdk8s-istio-egress';

const app = new App();

const platform = new Chart(app, 'platform', { namespace: 'egress' });
const exit = new InstalledEgressGateway(platform, 'exit', {
  installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
});

const team = new Chart(app, 'shop', { namespace: 'shop' });
const partner = new GatewayEgress(team, 'partner', {
  gateway: exit,
  hosts: ['api.partner.com'],
  callers: [Caller.serviceAccount('shop', 'checkout')],
});

// The partner demands a client certificate. Its Secret is in the gateway's namespace; no application ever holds it.
new TlsOrigination(team, 'partner-tls', {
  egress: partner,
  clientCertificate: ClientCertificate.fromSecret('partner-client'),
});

app.synth();
