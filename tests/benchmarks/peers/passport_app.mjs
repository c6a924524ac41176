// Express and Passport with its OAuth 2.0 strategy; sessions and members are in memory.
import { readFileSync } from 'node:fs';
import express from 'express';
import session from 'express-session';
import passport from 'passport';
import OAuth2Strategy from 'passport-oauth2';

const { service, providers } = JSON.parse(readFileSync(process.argv[4].replace(/toml$/, 'json'), 'utf8'));
const vendor = providers.oauth2.pc;
const members = new Map();

class Plain extends OAuth2Strategy {
  userProfile(accessToken, done) {
    this._oauth2.useAuthorizationHeaderforGET(true);
    this._oauth2.get(vendor.userinfo_url, accessToken, (error, body) => done(error, error ? null : JSON.parse(body)));
  }
}

passport.use('oauth2', new Plain(
  {
    authorizationURL: vendor.authorize_url,
    tokenURL: vendor.token_url,
    clientID: vendor.client_id,
    clientSecret: vendor.client_secret,
    callbackURL: `${service.public_url}/connect/oauth2/pc/callback`,
    state: true,
    pkce: true,
  },
  (accessToken, refreshToken, profile, done) => {
    if (!members.has(profile.id)) members.set(profile.id, members.size + 1);
    done(null, { uid: members.get(profile.id) });
  },
));
passport.serializeUser((user, done) => done(null, user.uid));
passport.deserializeUser((uid, done) => done(null, { uid }));

const app = express();
app.use(session({ secret: service.secret_keys[0], resave: false, saveUninitialized: false }));
app.use(passport.session());
app.get('/healthz', (request, response) => response.end());
app.get('/connect/oauth2/pc/login', passport.authenticate('oauth2'));
app.get('/connect/oauth2/pc/callback', passport.authenticate('oauth2', { successRedirect: '/' }));
app.get('/connect/me', (request, response) => response.json({ uid: request.user.uid }));
app.listen(Number(process.argv[6]), '127.0.0.1');
