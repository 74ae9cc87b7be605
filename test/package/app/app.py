from cdk8s import App, Chart
from cdk8s_istio_egress import Caller, GatewayEgress, GatewayInstallation, InstalledEgressGateway, TlsOrigination

app = App()
chart = Chart(app, "payments", namespace="payments")
gateway = InstalledEgressGateway(chart, "exit", installation=GatewayInstallation.helm_chart(namespace="egress"))
egress = GatewayEgress(chart, "partner", gateway=gateway, hosts=["api.partner.com"], callers=[Caller.service_account("payments", "checkout")])
TlsOrigination(chart, "partner-tls", egress=egress)
app.synth()
