import { App, Chart } from 'cdk8s';
import { Caller, GatewayEgress, GatewayInstallation, InstalledEgressGateway, TlsOrigination } from 'cdk8s-istio-egress';

const app = new App();
const chart = new Chart(app, 'payments', { namespace: 'payments' });
const gateway = new InstalledEgressGateway(chart, 'exit', { installation: GatewayInstallation.helmChart({ namespace: 'egress' }) });
const egress = new GatewayEgress(chart, 'partner', { gateway, hosts: ['api.partner.com'], callers: [Caller.serviceAccount('payments', 'checkout')] });
new TlsOrigination(chart, 'partner-tls', { egress });
app.synth();
