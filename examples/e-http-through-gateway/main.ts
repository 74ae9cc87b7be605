import { App, Chart } from 'cdk8s';
import { Caller, GatewayEgress, GatewayInstallation, InstalledEgressGateway } from 'cdk8s-istio-egress';

const app = new App();

// The platform team runs the gateway: Istio's Helm chart "gateway", installed in the namespace egress.
const platform = new Chart(app, 'platform', { namespace: 'egress' });
const exit = new InstalledEgressGateway(platform, 'exit', {
  installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
});

// HTTP and HTTPS both go through it, for one caller.
const team = new Chart(app, 'shop', { namespace: 'shop' });
new GatewayEgress(team, 'site', {
  gateway: exit,
  hosts: ['www.aliyun.com'],
  callers: [Caller.serviceAccount('shop', 'checkout')],
});

app.synth();
