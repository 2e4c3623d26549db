"""What the web server runs for the usual design: Django alone, without the product's way past it."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
