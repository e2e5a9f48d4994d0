// Stands in for keys that can't be had: the private half was thrown away when this was written, so every token that there
// is fails against it. Without keys the filter wouldn't load, and without the filter all tokens would pass.

export const UNUSABLE_JWKS = JSON.stringify({
  keys: [
    {
      kty: "RSA",
      e: "AQAB",
      n: [
        "zEjgLfP_9sOQdCOIQSRdl6w70FhLMsfcOkce8DNCw9WGfF-ZZfxW-eqYyYwdyuBo0q_bFvIXzWCIHdXRUwbCOm",
        "Q1DYrSebtRl0oHeqfPKNHTcHjV4YP_Z-thiNTguG4nlfpx-1nwjSrVTHK9on6zHoHu38sTI3gkqGoueHXI3kJi",
        "oqU1m8jV6zKKrwcNV4NIiouFiUSUKDEcbbFeDotZBvWXfDVATiFWvorn_wv1PiSAp34htI-jmLsBMduuZ3oysS",
        "LjVOzpbuUPx-0VBVn3LChiprCm95Tubhq9czStjwLt5h_ydJuEgbw-evPCDdtgSQDq_YNPzZZeyKODvf1D4w",
      ].join(""),
    },
  ],
});
