/** The mode of an outbound traffic policy: one that is empty means REGISTRY_ONLY, the zero value of the API. */
export function modeOf<Mode extends string>(
  policy: { readonly mode?: Mode } | null | undefined,
): Mode | 'REGISTRY_ONLY' | undefined {
  return policy ? (policy.mode ?? 'REGISTRY_ONLY') : undefined;
}
