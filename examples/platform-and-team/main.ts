import { ApiObject, App, Chart, Duration } from 'cdk8s';
import {
  Caller,
  ClientCertificate,
  DirectEgress,
  EgressPort,
  GatewayEgress,
  GatewayInstallation,
  InstalledEgressGateway,
  RegistryOnlyMesh,
  SidecarEgress,
  TlsOrigination,
} from 'cdk8s-istio-egress';

const app = new App();

// ---- The platform team: the mesh is locked, and there is one egress gateway.

const mesh = new Chart(app, 'mesh', { namespace: 'istio-system' });
new RegistryOnlyMesh(mesh, 'lock');

const egress = new Chart(app, 'egress', { namespace: 'egress' });
const installation = GatewayInstallation.helmChart({ namespace: 'egress' });
const exit = new InstalledEgressGateway(egress, 'exit', { installation });

// The gateway side of the teams' declarations goes here: the platform team reviews and applies it.
const grants = new Chart(app, 'egress-grants', { namespace: 'egress' });

// ---- The payments team.

const payments = new Chart(app, 'payments', { namespace: 'payments', labels: { team: 'payments' } });

// A partner that demands a client certificate: for checkout only, through the gateway.
const partner = new GatewayEgress(payments, 'partner', {
  gateway: exit,
  gatewayChart: grants,
  hosts: ['api.partner.com'],
  callers: [Caller.serviceAccount('payments', 'checkout')],
  timeout: Duration.seconds(10),
});
new TlsOrigination(payments, 'partner-tls', {
  egress: partner,
  clientCertificate: ClientCertificate.fromSecret('partner-client'),
});

// ---- The web team.

const web = new Chart(app, 'web', { namespace: 'web', labels: { team: 'web' } });

// The same partner's public site, for two workloads, through the same gateway: the application's own HTTPS, and plain
// HTTP sent out as TLS.
const site = new GatewayEgress(web, 'partner-site', {
  gateway: InstalledEgressGateway.fromInstallation(web, 'exit', installation), // as in an app of the team's own
  gatewayChart: grants,
  hosts: ['www.partner.com'],
  callers: [Caller.serviceAccount('web', 'frontend'), Caller.serviceAccount('web', 'crawler')],
});
site.originateTls('tls');

// Two public sites, directly from the sidecars; one of them is upgraded to TLS on the way out.
const sites = new SidecarEgress(web, 'sites', { hosts: ['www.aliyun.com', 'hbchen.com'] });
sites.originateTls('aliyun-tls', { hosts: ['www.aliyun.com'] });

// An external database, by its address.
new SidecarEgress(web, 'database', {
  hosts: ['db.partner.com'],
  ports: [EgressPort.tcp(5432)],
  addresses: ['203.0.113.50'],
});

// One workload reaches one address past its sidecar.
const legacy = new ApiObject(web, 'legacy', {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'legacy' },
  spec: {
    selector: { matchLabels: { app: 'legacy' } },
    template: {
      metadata: { labels: { app: 'legacy' } },
      spec: { serviceAccountName: 'legacy', containers: [{ name: 'legacy', image: 'registry.example.com/legacy:1' }] },
    },
  },
});
new DirectEgress(web, 'mainframe', { workloads: [legacy], toCidrs: ['203.0.113.40/32'] });

app.synth();
