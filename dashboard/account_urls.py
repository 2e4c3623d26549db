"""Signing in, and everybody's own account. Of allauth's views those that are used, by the names it looks them up by."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from dashboard.views import account, again, second_factors, sign_in

urlpatterns = [
    path("login", sign_in.SignIn.as_view(), name="login"),
    path("login", sign_in.SignIn.as_view(), name="account_login"),
    path("login/code", sign_in.SecondFactor.as_view(), name="mfa_authenticate"),
    path("login/passkey", sign_in.PasskeySignIn.as_view(), name="mfa_login_webauthn"),
    path("login/provider", sign_in.by_provider, name="provider-login"),
    path("login/provider/back", sign_in.back, name="openid_connect_callback"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("account", account.account, name="account"),
    path("account/password", account.password, name="password"),
    path("account/again", again.ByPassword.as_view(), name="account_reauthenticate"),
    path("account/again/code", again.ByCode.as_view(), name="mfa_reauthenticate"),
    path("account/again/passkey", again.ByPasskey.as_view(), name="mfa_reauthenticate_webauthn"),
    path("account/again/provider", again.by_provider, name="provider-again"),
    path("account/app", second_factors.AddApp.as_view(), name="mfa_activate_totp"),
    path("account/app/remove", second_factors.RemoveApp.as_view(), name="mfa_deactivate_totp"),
    path("account/passkeys", second_factors.AddPasskey.as_view(), name="passkey-add"),
    path("account/passkeys/<int:number>/remove", second_factors.RemovePasskey.as_view(), name="passkey-remove"),
    path("account/recovery-codes", second_factors.recovery_codes, name="recovery-codes"),
    path("account/provider", account.link, name="provider-link"),
    path("account/sessions/<int:number>/end", account.end_session, name="session-end"),
    path("account/sessions/end-others", account.end_others, name="sessions-end-others"),
]
