import { App, Chart } from 'cdk8s';
import { Caller, EgressPort, GatewayEgress, GatewayInstallation, InstalledEgressGateway } from 'cdk8s-istio-egress';

const app = new App();

// This gateway was installed by istioctl, from an IstioOperator file.
const platform = new Chart(app, 'platform', { namespace: 'egress' });
const exit = new InstalledEgressGateway(platform, 'exit', {
  installation: GatewayInstallation.istioOperator({ namespace: 'egress' }),
});

const team = new Chart(app, 'shop', { namespace: 'shop' });

// The application's own TLS, end to end, through a gateway that knows who is calling.
new GatewayEgress(team, 'site', {
  gateway: exit,
  hosts: ['www.aliyun.com'],
  ports: [EgressPort.tls()],
  callers: [Caller.serviceAccount('shop', 'checkout')],
});

app.synth();
