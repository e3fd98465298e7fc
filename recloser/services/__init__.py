"""Services of a target while it is tested: started, adopted, watched, restarted, stopped."""

from recloser.services.errors import ServicesError
from recloser.services.ports import free_port
from recloser.services.supervisor import Supervisor

__all__ = ["ServicesError", "Supervisor", "free_port"]
