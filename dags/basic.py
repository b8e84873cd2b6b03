"""Tasks of `basic_dag_example`: plain functions; what they return is the task's output."""


def extract():
    """Returns an order, as a shop might send it."""
    items = [
        {"article": "notebook", "quantity": 3, "price": 4.50},
        {"article": "pencil", "quantity": 12, "price": 0.80},
        {"article": "eraser", "quantity": 2, "price": 1.20},
    ]
    print(f"read an order of {len(items)} items")
    return {"order_id": 1001, "items": items}


def transform(order):
    """Adds the order up."""
    total = round(sum(item["quantity"] * item["price"] for item in order["items"]), 2)
    print(f"order {order['order_id']} comes to {total}")
    return {"order_id": order["order_id"], "items": len(order["items"]), "total": total}
