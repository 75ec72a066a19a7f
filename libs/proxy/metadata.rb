name 'proxy'
version '1.0.0'
description 'Reverse proxy (caddy) with a certificate authority of its own: every container by its name, over TLS'
