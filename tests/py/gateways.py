"""Gateways that publish with paho-mqtt through every restart of the server, and write down what was acknowledged.

gateways.py PORT_FILE OUT_DIR SEED GATEWAYS: publishes until OUT_DIR/stop exists. PORT_FILE holds the port to connect to
and may change. OUT_DIR/sent.csv gets every reading before it is sent, OUT_DIR/acknowledged.csv every reading whose
message got its PUBACK: sensor,at,thousandths of a degree,thousandths of a percent,unit,seq.
"""

import json
import pathlib
import queue
import random
import sys
import threading
import time

import paho.mqtt.client as mqtt

PORT_FILE, OUT = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
SEED, GATEWAYS = int(sys.argv[3]), int(sys.argv[4])
WINDOW = 40
stop = threading.Event()
lock = threading.Lock()
sent_file = open(OUT / "sent.csv", "w", buffering=1)
acknowledged_file = open(OUT / "acknowledged.csv", "w", buffering=1)


def write(file, rows):
    with lock:
        file.write("".join(",".join("" if cell is None else str(cell) for cell in row) + "\n" for row in rows))


class Gateway:
    def __init__(self, number):
        self.name = f"G{number}"
        self.random = random.Random(SEED * 1000 + number)
        self.at = int(time.time() * 1000) - 30 * 86_400_000 + number
        self.seq = 0
        self.waiting = []  # messages that were sent and not acknowledged
        self.old = []  # messages to send again some day

    def reading(self):
        self.at += self.random.choice((1, 7, 100, 5_000))
        self.seq += 1
        humidity = self.random.choice((None, self.random.randrange(0, 105_001)))
        unit = self.random.choice((None, "106141411234567897"))
        sensor = f"{self.name}-S{self.random.randrange(30)}"
        return (sensor, self.at, self.random.randrange(-40_000, 60_000), humidity, unit, self.seq)

    def message(self):
        if self.old and self.random.random() < 0.1:
            return self.random.choice(self.old)  # a duplicate, byte for byte or batched with others
        rows = [self.reading() for _ in range(self.random.choice((1, 20)))]
        if self.old and self.random.random() < 0.1:
            rows += self.random.choice(self.old)
        write(sent_file, rows)
        self.old = (self.old + [rows])[-200:]
        return rows

    @staticmethod
    def payload(rows):
        readings = []
        for sensor, at, temperature, humidity, unit, seq in rows:
            reading = {"sensor": sensor, "at": at, "temperature_c": temperature / 1000, "seq": seq}
            reading |= {"humidity_pct": humidity / 1000} if humidity is not None else {}
            reading |= {"unit": unit} if unit else {}
            readings.append(reading)
        return json.dumps({"readings": readings})

    def connection(self):
        """Publishes over one connection until it fails or it is time to stop."""
        flying, answers = {}, queue.SimpleQueue()
        protocol = self.random.choice((mqtt.MQTTv311, mqtt.MQTTv5))
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, self.name, protocol=protocol)
        client.on_publish = lambda _c, _u, mid, reason, _p: answers.put((mid, reason))
        client.on_disconnect = lambda *_: answers.put(None)
        client.max_inflight_messages_set(WINDOW)
        client.connect("127.0.0.1", int(PORT_FILE.read_text()))
        client.loop_start()
        again, self.waiting = self.waiting, []
        try:
            while True:
                while len(flying) < WINDOW and (again or not stop.is_set()):
                    rows = again.pop(0) if again else self.message()
                    flying[client.publish(f"coldtrail/v1/S/{self.name}/readings", self.payload(rows), 1).mid] = rows
                if not flying:
                    client.disconnect()
                    return
                answer = answers.get(timeout=30)
                if answer is None:
                    return
                mid, reason = answer
                rows = flying.pop(mid)
                if reason.is_failure:
                    self.waiting.append(rows)
                else:
                    write(acknowledged_file, rows)
                time.sleep(0.002)
        finally:
            client.loop_stop()
            # What was acknowledged and not yet looked at is treated as not acknowledged: that is sent again.
            self.waiting += list(flying.values()) + again

    def run(self):
        while not stop.is_set() or self.waiting:
            try:
                self.connection()
            except (OSError, ValueError):
                time.sleep(0.05)


threads = [threading.Thread(target=Gateway(number).run) for number in range(GATEWAYS)]
for thread in threads:
    thread.start()
while not (OUT / "stop").exists():
    time.sleep(0.05)
stop.set()
for thread in threads:
    thread.join()
