// The app of the README, as a user writes it: compiled by TypeScript 6 and 7, and run.
import { ApiObject, App, Chart, Duration } from 'cdk8s';
import { Caller, EgressPort, GatewayEgress, GatewayHttp, GatewayInstallation, IEgressGateway, InstalledEgressGateway, SidecarEgress, TlsOrigination } from 'cdk8s-istio-egress';

const app = new App();
const chart = new Chart(app, 'payments', { namespace: 'payments' });

const exit: IEgressGateway = new InstalledEgressGateway(chart, 'exit', { installation: GatewayInstallation.helmChart({ namespace: 'egress' }) });
const partner = new GatewayEgress(chart, 'partner', {
  gateway: exit,
  hosts: ['api.partner.com'],
  callers: [Caller.serviceAccount('payments', 'checkout')],
});
new TlsOrigination(chart, 'partner-tls', { egress: partner });

// Types that the app above does not touch; none of it is emitted.
export function more(scope: Chart): ApiObject[] {
  const opaque = new GatewayEgress(scope, 'opaque', { gateway: exit, hosts: ['a.example.com'], callers: [], http: GatewayHttp.OPAQUE, timeout: Duration.seconds(1) });
  const sites = new SidecarEgress(scope, 'sites', { hosts: ['b.example.com'], ports: [EgressPort.http(8080)] });
  return [...opaque.apiObjects, ...sites.apiObjects];
}

app.synth();
