"""Publishes with paho-mqtt in MQTT 3.1.1 and 5 with every quality; prints what was acknowledged, in order."""

import sys

import paho.mqtt.client as mqtt

port, topic = int(sys.argv[1]), sys.argv[2]
for protocol in (mqtt.MQTTv311, mqtt.MQTTv5):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, f"paho-{protocol}", protocol=protocol)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for qos in (0, 1, 2):
        sent = [(text, client.publish(topic, text, qos)) for text in (f"{protocol}/{qos}/{n}" for n in range(20))]
        for text, message in sent:
            message.wait_for_publish(20)
            assert message.is_published(), text
            print(text)
    client.disconnect()
    client.loop_stop()
