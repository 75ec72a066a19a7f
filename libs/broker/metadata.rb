name 'broker'
version '1.0.0'
description 'MQTT broker (mosquitto) for everything in the network'
