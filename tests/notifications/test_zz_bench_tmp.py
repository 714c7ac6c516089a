import time
from uuid import UUID
from django.db import transaction
from environments.models import Organization, Project
from notifications import outbox
from notifications.models import Delivery
from tests.notifications.making import make_destination, notice
def ms(f, n=20):
    best=[]
    for _ in range(n):
        t=time.perf_counter()
        with transaction.atomic():
            f(); transaction.set_rollback(True)
        best.append((time.perf_counter()-t)*1000)
    return f"median {sorted(best)[n//2]:.2f} ms, best {min(best):.2f}"
def test_it(db):
    p=Project.objects.create(organization=Organization.objects.create(name="a"),name="b")
    many=[notice(subject_id=UUID(int=i), properties={"fingerprint":"f"*128}) for i in range(1000)]
    print("\nempty transaction", ms(lambda: None))
    print("no destination, 1 notice", ms(lambda: outbox.tell(p.pk, many[:1])))
    print("no destination, 1000 notices", ms(lambda: outbox.tell(p.pk, many)))
    make_destination(p)
    print("1 destination, 1 notice", ms(lambda: outbox.tell(p.pk, many[:1])))
    print("1 destination, 1000 notices", ms(lambda: outbox.tell(p.pk, many)))
    for _ in range(60): outbox.tell(p.pk, many[:1])
    print("full: 1000 notices", ms(lambda: outbox.tell(p.pk, many)))
    for _ in range(19): make_destination(p, hourly_limit=1000)
    print("20 destinations of 1000/h, 1000 notices", ms(lambda: outbox.tell(p.pk, many), 3))
