import { App, Chart } from 'cdk8s';
import { Caller, GatewayEgress, GatewayInstallation, InstalledEgressGateway, TlsOrigination } from 'cdk8s-istio-egress';

const app = new App();

const platform = new Chart(app, 'platform', { namespace: 'egress' });
const exit = new InstalledEgressGateway(platform, 'exit', {
  installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
});

const team = new Chart(app, 'shop', { namespace: 'shop' });
const site = new GatewayEgress(team, 'site', {
  gateway: exit,
  hosts: ['www.aliyun.com'],
  callers: [Caller.serviceAccount('shop', 'checkout')],
});

// http://www.aliyun.com leaves the gateway as TLS; the site's certificate and name are verified.
new TlsOrigination(team, 'site-tls', { egress: site });

app.synth();
