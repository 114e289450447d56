"""What users would write without hss-sync: the official SDK and threads. Usage: sdk.py ENDPOINT COUNT THREADS"""

import sys
from concurrent.futures import ThreadPoolExecutor

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkhss.v5 import (
    CreateImageSynchronizeTaskRequest,
    CreateImageSynchronizeTaskRequestInfo,
    CreateImageSynchronizeTaskRequestInfoRegistryInfo,
    HssClient,
)


def main(endpoint, count, threads):
    # With the pool of 10 that its HTTP client has otherwise, it would make connections anew all the time.
    config = HttpConfig(ignore_ssl_verification=True, pool_connections=threads, pool_maxsize=threads)
    credentials = BasicCredentials("SIMULATEDKEY00000001", "bench-secret", "0a1b2c3d4e5f60718293a4b500000000")
    client = (
        HssClient.new_builder().with_http_config(config).with_credentials(credentials).with_endpoints([endpoint]).build()
    )
    registry = CreateImageSynchronizeTaskRequestInfoRegistryInfo(registry_id="prod-harbor", registry_type="Harbor")
    body = CreateImageSynchronizeTaskRequestInfo(registry_info=[registry])

    def send(_):
        client.create_image_synchronize_task(CreateImageSynchronizeTaskRequest(body=body))

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(send, range(count)):
            pass


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
