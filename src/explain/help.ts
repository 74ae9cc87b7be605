export const HELP = `cdk8s-istio-egress: what happens to a request that leaves an Istio mesh, from manifests alone

  cdk8s-istio-egress explain <files, folders or -> --from <namespace>/<service account> --to <url> [options]
  cdk8s-istio-egress check <files, folders or -> <access.yaml> [--output text|json|mermaid]

explain answers one request, hop by hop, and names the object and field that decided each step.
  --from NAMESPACE/SERVICEACCOUNT   who calls
  --to URL                          http://host/path, https://host/path, or tcp://host:port
  --labels KEY=VALUE,...            labels of the caller's pod; default app=<service account>
  --method METHOD                   default GET
  --header "Name: value"            may be given several times; Host changes what the request calls the host
  --dial ADDRESS                    dial this IPv4 address instead of the host's own
  --follow                          follow redirects
  --namespace NAMESPACE             where objects without a namespace will be applied; default: default
  --mesh FILE                       MeshConfig YAML (or its ConfigMap, or Helm values): outbound policy, root namespace,
                                    trust domain. Default: the ConfigMap istio among the manifests; without one Istio's
                                    default, everything undeclared passes (ALLOW_ANY)
  --table FILE                      an access table that says which gateways, Secrets and external hosts there are. Without it
                                    the answer takes the usual for granted and says what
  --via VIA                          the way it shall take: direct, passthrough, sidecar or gateway; another way counts as refused
  --output text|json|mermaid        default text; json is in the words of docs/access-table.md

--version prints the version.

check asks for every row of an access table and compares.

Manifests are read from .yaml, .yml and .json files, folders with all they hold, and standard input (-). What cannot be read is
named with file and number of the document; the rest is answered, the first line says that the input is incomplete, and the exit
code is 2. An object that no API server takes is named with its field and what is allowed; requests that it could change are
undetermined.

Exit codes
  0  the request is answered (by the way that is wanted); every row is as the table says
  1  it is refused, or takes another way; a row differs
  2  undetermined: something could change the answer that the model does not know; it says what. Or the input is incomplete
  3  wrong usage, nothing could be read, or an internal error: no answer
`;
