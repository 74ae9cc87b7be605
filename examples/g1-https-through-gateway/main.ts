import { App, Chart } from 'cdk8s';
import { Caller, EgressPort, GatewayEgress, GatewayInstallation, InstalledEgressGateway } from 'cdk8s-istio-egress';

const app = new App();

// The platform's own app emits the hop Service of this gateway; here it is only referred to.
const team = new Chart(app, 'shop', { namespace: 'shop' });
const exit = InstalledEgressGateway.fromInstallation(team, 'exit', GatewayInstallation.istioOperator({ namespace: 'egress' }));

// The application's own TLS, end to end, through a gateway that knows who is calling.
new GatewayEgress(team, 'site', {
  gateway: exit,
  hosts: ['www.aliyun.com'],
  ports: [EgressPort.tls()],
  callers: [Caller.serviceAccount('shop', 'checkout')],
});

app.synth();
