
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);

CREATE TABLE public.audit (
    id integer NOT NULL,
    user_id integer NOT NULL,
    number integer NOT NULL,
    event character varying(40) NOT NULL,
    actor_id integer,
    at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    times integer NOT NULL,
    network character varying(64) NOT NULL,
    browser character varying(200) NOT NULL,
    detail text NOT NULL,
    chain character varying(64) NOT NULL,
    key_id character varying(8),
    request_id character varying(64)
);

CREATE SEQUENCE public.audit_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.audit_id_seq OWNED BY public.audit.id;

CREATE TABLE public.audit_tie (
    user_id integer NOT NULL,
    number integer NOT NULL,
    chain character varying(64) NOT NULL,
    last_at timestamp with time zone NOT NULL,
    exported_at timestamp with time zone NOT NULL,
    file character varying(100) NOT NULL,
    key_id character varying(8) NOT NULL,
    signature character varying(64) NOT NULL
);

CREATE TABLE public.budget (
    key character varying(64) NOT NULL,
    used integer NOT NULL,
    used_at timestamp with time zone NOT NULL,
    resets_at timestamp with time zone NOT NULL
);

CREATE TABLE public.cms_user (
    id integer NOT NULL,
    username character varying(50) NOT NULL,
    username_key character varying(100) NOT NULL COLLATE pg_catalog."C",
    email character varying(254) NOT NULL,
    email_key character varying(254) NOT NULL COLLATE pg_catalog."C",
    email_version integer NOT NULL,
    password_hash character varying(200) NOT NULL,
    is_superuser boolean NOT NULL,
    is_active boolean NOT NULL,
    language character varying(10),
    mobile character varying(20),
    staff_number integer,
    gender character varying(10),
    city character varying(40),
    interests json NOT NULL,
    profile_version integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    acted_at timestamp with time zone NOT NULL,
    frozen_until timestamp with time zone,
    audit_rows integer NOT NULL,
    audit_chain character varying(64) NOT NULL,
    password_version integer DEFAULT 1 NOT NULL,
    signed_in_at timestamp with time zone,
    time_zone character varying(64),
    erased_at timestamp with time zone
);

CREATE SEQUENCE public.cms_user_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.cms_user_id_seq OWNED BY public.cms_user.id;

CREATE TABLE public.email_change (
    id integer NOT NULL,
    user_id integer NOT NULL,
    session_id integer,
    mail_id integer,
    email character varying(254) NOT NULL,
    email_key character varying(254) NOT NULL,
    email_version integer NOT NULL,
    nonce character varying(32) NOT NULL,
    old_nonce character varying(32),
    stop_hash character varying(64) NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    tries integer NOT NULL,
    new_proved boolean NOT NULL,
    old_proved boolean NOT NULL,
    is_assisted boolean DEFAULT false NOT NULL,
    started_by integer,
    network character varying(64) DEFAULT ''::character varying NOT NULL,
    browser character varying(200) DEFAULT ''::character varying NOT NULL,
    outcome character varying(10) DEFAULT ''::character varying NOT NULL,
    ended_by character varying(50) DEFAULT ''::character varying NOT NULL
);

CREATE SEQUENCE public.email_change_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.email_change_id_seq OWNED BY public.email_change.id;

CREATE TABLE public.invitation (
    id integer NOT NULL,
    token_hash character varying(64) NOT NULL,
    email character varying(254) NOT NULL,
    email_key character varying(254) NOT NULL,
    is_superuser boolean NOT NULL,
    invited_by integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

CREATE SEQUENCE public.invitation_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.invitation_id_seq OWNED BY public.invitation.id;

CREATE TABLE public.link (
    id integer NOT NULL,
    token_hash character varying(64) NOT NULL,
    purpose character varying(10) NOT NULL,
    user_id integer NOT NULL,
    email character varying(254) NOT NULL,
    email_key character varying(254) NOT NULL,
    email_version integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    since timestamp with time zone,
    network character varying(64) DEFAULT ''::character varying NOT NULL,
    browser character varying(200) DEFAULT ''::character varying NOT NULL
);

CREATE SEQUENCE public.link_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.link_id_seq OWNED BY public.link.id;

CREATE TABLE public.login_session (
    id integer NOT NULL,
    id_hash character varying(64) NOT NULL,
    user_id integer NOT NULL,
    remembered boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    proved_at timestamp with time zone NOT NULL,
    network character varying(64) NOT NULL,
    browser character varying(200) NOT NULL,
    key_id character varying(8)
);

CREATE SEQUENCE public.login_session_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.login_session_id_seq OWNED BY public.login_session.id;

CREATE TABLE public.mail (
    id integer NOT NULL,
    message_id character varying(200) NOT NULL,
    kind character varying(40) NOT NULL,
    user_id integer,
    recipient character varying(254) NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    html text NOT NULL,
    state character varying(10) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    not_after timestamp with time zone NOT NULL,
    tries integer NOT NULL,
    done_at timestamp with time zone,
    problem character varying(200) NOT NULL
);

CREATE SEQUENCE public.mail_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.mail_id_seq OWNED BY public.mail.id;

ALTER TABLE ONLY public.audit ALTER COLUMN id SET DEFAULT nextval('public.audit_id_seq'::regclass);

ALTER TABLE ONLY public.cms_user ALTER COLUMN id SET DEFAULT nextval('public.cms_user_id_seq'::regclass);

ALTER TABLE ONLY public.email_change ALTER COLUMN id SET DEFAULT nextval('public.email_change_id_seq'::regclass);

ALTER TABLE ONLY public.invitation ALTER COLUMN id SET DEFAULT nextval('public.invitation_id_seq'::regclass);

ALTER TABLE ONLY public.link ALTER COLUMN id SET DEFAULT nextval('public.link_id_seq'::regclass);

ALTER TABLE ONLY public.login_session ALTER COLUMN id SET DEFAULT nextval('public.login_session_id_seq'::regclass);

ALTER TABLE ONLY public.mail ALTER COLUMN id SET DEFAULT nextval('public.mail_id_seq'::regclass);


INSERT INTO public.alembic_version VALUES ('0008');


--
-- Data for Name: audit; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.audit VALUES (1, 1, 1, 'administrator_created', NULL, '2026-11-22 07:08:31.997885+00', '2026-11-22 07:08:31.997885+00', 1, '-', 'command line', '{"superuser": true}', 'd29817435b408c7e841a6aec057878a5dee9f5effabe888bbfff5c8da37da838', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (2, 2, 1, 'administrator_created', NULL, '2026-11-22 07:08:33.329279+00', '2026-11-22 07:08:33.329279+00', 1, '-', 'command line', '{"superuser": false}', '986b71d02c365e6006192cf0fcee4b29ae2dd1eddf223cb77b91d06db1b5d667', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (3, 3, 1, 'administrator_created', NULL, '2026-11-22 07:08:35.175832+00', '2026-11-22 07:08:35.175832+00', 1, '-', 'command line', '{"superuser": false}', '369ec4a19eb3aae4e7cde9d617518a9ef404a7d1a353bc03b9b168a9a154e5c6', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (4, 4, 1, 'administrator_created', NULL, '2026-11-22 07:08:36.949929+00', '2026-11-22 07:08:36.949929+00', 1, '-', 'command line', '{"superuser": false}', 'b6e9c0a32732db006af97901ccddb0e0b6751381b6d1cd0f81cde4cbbadf93e8', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (5, 5, 1, 'administrator_created', NULL, '2026-11-22 07:08:38.342426+00', '2026-11-22 07:08:38.342426+00', 1, '-', 'command line', '{"superuser": false}', 'aa0a9e545a96528872f0f9aa118844dd69151968994a10da0b5f46973271ac87', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (6, 6, 1, 'administrator_created', NULL, '2026-11-22 07:08:39.862303+00', '2026-11-22 07:08:39.862303+00', 1, '-', 'command line', '{"superuser": false}', '2d080a5a58ec94b502eac86368153089339cf5620662b6987545f378a69b37fb', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (8, 1, 2, 'signed_in', 1, '2026-11-22 07:08:43.886095+00', '2026-11-22 07:08:43.886095+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '638445d9c1d79d906d275c360a62be2e755a5bfc4b20abd422299569c66ddedf', 'a1e15d34', '027c2ae03d644773');
INSERT INTO public.audit VALUES (9, 2, 2, 'signed_in', 2, '2026-11-22 07:08:44.088756+00', '2026-11-22 07:08:44.088756+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', 'ac53975cf0b120601bfcf0be0e72f6b887ee471cde7346f7def0f31c66e87329', 'a1e15d34', 'a89b0d6ccb8add19');
INSERT INTO public.audit VALUES (10, 3, 2, 'signed_in', 3, '2026-11-22 07:08:44.13319+00', '2026-11-22 07:08:44.13319+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '3f235eb59a6cd9d75085f327170f29a9349479dfe3b4e373cec5c910acd09851', 'a1e15d34', 'a71ec218a742dbaf');
INSERT INTO public.audit VALUES (11, 5, 2, 'signed_in', 5, '2026-11-22 07:08:44.171334+00', '2026-11-22 07:08:44.171334+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', 'b4f7500da80132145512eed705d514cbfbfd4e4721b2d52967c140edc8164279', 'a1e15d34', '9319f50ea2144182');
INSERT INTO public.audit VALUES (12, 3, 3, 'code_requested', 3, '2026-11-22 07:08:44.24638+00', '2026-11-22 07:08:44.24638+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "carol.new@example.com"}', '1e3e192a6e8a559997d5f95ffda7fd213a05955fd0f564defc715d8a1bdcfcd2', 'a1e15d34', 'bcbaf366187d29e1');
INSERT INTO public.audit VALUES (13, 3, 4, 'code_wrong', 3, '2026-11-22 07:08:45.432581+00', '2026-11-22 07:08:45.432581+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "carol.new@example.com"}', '02e25a0b79180935fd91686bc9badc3dec57c50a13152ec445453c9ce7e91396', 'a1e15d34', '3d74070b4a02173b');
INSERT INTO public.audit VALUES (14, 3, 5, 'email_changed', 3, '2026-11-22 07:08:45.442248+00', '2026-11-22 07:08:45.442248+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"new": "carol.new@example.com", "old": "carol@example.com"}', 'af807df364156c9a08c732e3f4c8cdf8f4c17668a13077faeedeccdaa098df3c', 'a1e15d34', 'b093731282c5f703');
INSERT INTO public.audit VALUES (15, 2, 3, 'code_requested', 2, '2026-11-22 07:08:46.817363+00', '2026-11-22 07:08:46.817363+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "bob.new@example.com"}', 'fe124760836af9467ab6ab8f414331bbce881e97243e383f101285ecf3d07c97', 'a1e15d34', '15f375267754cb89');
INSERT INTO public.audit VALUES (16, 2, 4, 'code_wrong', 2, '2026-11-22 07:08:48.021566+00', '2026-11-22 07:08:48.021566+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "bob.new@example.com"}', '06ccf95473d6dd915152494586ad212481ae9c0f9046b1d0deb67ea82c762783', 'a1e15d34', '7a35d2d6df6aa188');
INSERT INTO public.audit VALUES (17, 1, 3, 'invitation_sent', 1, '2026-11-22 07:08:49.139888+00', '2026-11-22 07:08:49.139888+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "gus@example.com", "superuser": false}', '5839b32a98d13fe895850647bea2b5315f7a908e919a090a7cde125e5f0cb72d', 'a1e15d34', 'af47b3165958acf6');
INSERT INTO public.audit VALUES (18, 6, 2, 'change_started', 1, '2026-11-22 07:08:50.361946+00', '2026-11-22 07:08:50.361946+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"by": "ann", "email": "fay.new@example.com", "reason": "lost her mailbox"}', '14f5bbac0ad83456dd39f1a33ebd09212a7c837abec2ea6a30341970baf25509', 'a1e15d34', '98f334cdca4aa6b2');
INSERT INTO public.audit VALUES (19, 5, 3, 'signed_out', 5, '2026-11-22 07:08:50.489188+00', '2026-11-22 07:08:50.489188+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', 'b480db311e750186161443ff69ebaa4d64377715821d9397532e4bbf1881fd4e', 'a1e15d34', '65ed5769196c6edb');
INSERT INTO public.audit VALUES (20, 5, 4, 'sign_in_failed', 5, '2026-11-22 07:08:50.398771+00', '2026-11-22 07:08:50.470859+00', 3, '127.0.0.1', 'Chrome 156, Linux', '{}', 'd2d0c7f264748120f8daccc2ef2945dbb9120168be3968c62de5c4ef3a5f2e43', 'a1e15d34', 'fbf516c3633bb449');


--
-- Data for Name: audit_tie; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.audit_tie VALUES (7, 1, 'dc82120095befb42cd2e6a8acb40090f45ea81886cc895165264f12b3e2926df', '2025-11-22 07:08:41.228313+00', '2026-11-22 07:08:42.552466+00', 'history-20261122T070842Z-8e27004a.jsonl', 'a1e15d34', '41096850bedec87cfbd44b3251e69f232410b7e7bdfafc0ef6d1ca7c8e17b6ce');


--
-- Data for Name: budget; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.budget VALUES ('2473c4d9ad1cd8e2779b13295bba09a8487b72b57daf50f3dc21580436ef0fcf', 1, '2026-11-22 07:08:44.217534+00', '2026-11-22 08:08:44.217534+00');
INSERT INTO public.budget VALUES ('4d52d9181fbecfde1d766b282dcbaee9baf05cb04ac36c518732dafaf34ff2e5', 1, '2026-11-22 07:08:44.217534+00', '2026-11-22 08:08:44.217534+00');
INSERT INTO public.budget VALUES ('d13fe704acec3384faeaf4a12fe898418d7fd387d178ad136c841af9354f8a4d', 1, '2026-11-22 07:08:44.217534+00', '2026-11-23 07:08:44.217534+00');
INSERT INTO public.budget VALUES ('0c938d5a29069cb229fc7ed3880b5c4aef52721bda6d9ead5f72edd3716cde15', 2, '2026-11-22 07:08:45.441527+00', '2026-11-23 07:08:45.431691+00');
INSERT INTO public.budget VALUES ('2319e8a1d3803deb9815b114c1ceb0b62e7e29df8b51946fb38bfbf60d001dd1', 2, '2026-11-22 07:08:45.441527+00', '2026-11-23 07:08:45.431691+00');
INSERT INTO public.budget VALUES ('2beefded8416fa255543a5a93bc420c16fa09e175b428f7a8346660d9a1bea66', 1, '2026-11-22 07:08:46.813698+00', '2026-11-22 08:08:46.813698+00');
INSERT INTO public.budget VALUES ('dae428aad6b057aa354b438cded2fb1f9f751241e07ea2b6cfd114e1a72a0bbc', 2, '2026-11-22 07:08:46.813698+00', '2026-11-22 08:08:44.217534+00');
INSERT INTO public.budget VALUES ('e819d40996c06513a021915c4c30e8b40f86a5af9327eab3416a226befa66821', 1, '2026-11-22 07:08:46.813698+00', '2026-11-23 07:08:46.813698+00');
INSERT INTO public.budget VALUES ('f93053a5efb0f6a56d39b909e33035986c106896a08d32b2c8f9bc5ea6a60e46', 1, '2026-11-22 07:08:46.813698+00', '2026-11-22 08:08:46.813698+00');
INSERT INTO public.budget VALUES ('603f9f295bc34c1ee937907c707ba1950ce7a57459f736417282d63fff5f63ab', 1, '2026-11-22 07:08:48.02098+00', '2026-11-23 07:08:48.02098+00');
INSERT INTO public.budget VALUES ('82f509c0124e30f87d49ec82f74ebca65a372fb8c5064da17184aab721e675c1', 1, '2026-11-22 07:08:48.02098+00', '2026-11-23 07:08:48.02098+00');
INSERT INTO public.budget VALUES ('ae32f60042d346b17fc9d7850f725f342f2030863d1830420e2d8a8541ec0ea2', 1, '2026-11-22 07:08:49.121939+00', '2026-11-22 08:08:49.121939+00');


--
-- Data for Name: cms_user; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.cms_user VALUES (5, 'eve', 'eve', 'eve@example.com', 'eve@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$Ixtv+jket8N/+2G29vu4Mw$y4J0sAgdTl+uhzNJAnD4D6CE8WGkzmzpDpLtwy6JRnc', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 07:08:38.287871+00', '2026-11-22 07:08:50.398771+00', NULL, 4, 'd2d0c7f264748120f8daccc2ef2945dbb9120168be3968c62de5c4ef3a5f2e43', 1, '2026-11-22 07:08:44.171318+00', NULL, NULL);
INSERT INTO public.cms_user VALUES (4, 'dan', 'dan', 'dan@example.com', 'dan@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$cVDpSgibRChW/Qkm38Xa9w$ChHn/tb/1FaIIV6z20PrlYypNozJoJqDmZu7WxEgGBE', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 07:08:36.821538+00', '2026-11-22 07:08:36.949929+00', NULL, 1, 'b6e9c0a32732db006af97901ccddb0e0b6751381b6d1cd0f81cde4cbbadf93e8', 1, NULL, NULL, NULL);
INSERT INTO public.cms_user VALUES (7, 'hal', 'hal', 'hal@example.com', 'hal@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$ZTiqW0B5mKHY5beGj9VVow$UfgCn2E9uktSCnqfCgxV76DPyIrPC9JsevC1dFgBPqI', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2025-11-22 07:08:41.17557+00', '2025-11-22 07:08:41.228313+00', NULL, 1, 'dc82120095befb42cd2e6a8acb40090f45ea81886cc895165264f12b3e2926df', 1, NULL, NULL, NULL);
INSERT INTO public.cms_user VALUES (3, 'carol', 'carol', 'carol.new@example.com', 'carol.new@example.com', 2, '$argon2id$v=19$m=19456,t=2,p=1$3Uz7EQqcXfjnLeq6/kxEAg$KD2DXY5rR5DWmfEhCrAFuR5YoSyVklR+j9dN4cYVFXI', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 07:08:35.126258+00', '2026-11-22 07:08:45.442248+00', NULL, 5, 'af807df364156c9a08c732e3f4c8cdf8f4c17668a13077faeedeccdaa098df3c', 1, '2026-11-22 07:08:44.133173+00', NULL, NULL);
INSERT INTO public.cms_user VALUES (2, 'bob', 'bob', 'bob@example.com', 'bob@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$53mCuVrYUMi3XOSGzFkeJw$ZxpxNq/vHfnyiNJlaQcZsy5Q+VRYncfNI0518sbMp8s', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 07:08:33.272407+00', '2026-11-22 07:08:48.021566+00', NULL, 4, '06ccf95473d6dd915152494586ad212481ae9c0f9046b1d0deb67ea82c762783', 1, '2026-11-22 07:08:44.088739+00', NULL, NULL);
INSERT INTO public.cms_user VALUES (1, 'ann', 'ann', 'ann@example.com', 'ann@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$IleW1n1ZCAHEHR9Hos7oew$ck2t9+fdjnkneF3cQMBKFA9pec7qCOAQ3cc05vwfvXM', true, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 07:08:31.969148+00', '2026-11-22 07:08:49.139888+00', NULL, 3, '5839b32a98d13fe895850647bea2b5315f7a908e919a090a7cde125e5f0cb72d', 1, '2026-11-22 07:08:43.886077+00', NULL, NULL);
INSERT INTO public.cms_user VALUES (6, 'fay', 'fay', 'fay@example.com', 'fay@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$ZC7dpKmvxXLzphPY7+9ptA$P/DTyh4Fseh2n0GNJBb/WHSK/kA/Yt0bH4DQ5QMQRI4', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 07:08:39.811756+00', '2026-11-22 07:08:50.361946+00', NULL, 2, '14f5bbac0ad83456dd39f1a33ebd09212a7c837abec2ea6a30341970baf25509', 1, NULL, NULL, NULL);


--
-- Data for Name: email_change; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.email_change VALUES (1, 3, 3, 1, 'carol.new@example.com', 'carol.new@example.com', 1, 'a1e15d34.t2ODxOJpR2jokEr4dlxEaw', NULL, '7d3e8df0ac9085fb1695527ef0a7fa780b64df1e5c37b4b23c9c52b13dc04804', '2026-11-22 07:08:44.242866+00', '2026-11-22 07:18:44.219309+00', 2, false, false, false, NULL, '127.0.0.1', 'Chrome 156, Linux', 'made', '');
INSERT INTO public.email_change VALUES (2, 2, 2, 4, 'bob.new@example.com', 'bob.new@example.com', 1, 'a1e15d34.5XGzxJCSbuEvZNfXK6CYEQ', NULL, 'f05f216c8d3524ff55dddb6de4987be55049740f660d28094a61db048c099198', '2026-11-22 07:08:46.816628+00', '2026-11-22 07:18:46.814546+00', 1, false, false, false, NULL, '127.0.0.1', 'Chrome 156, Linux', '', '');
INSERT INTO public.email_change VALUES (3, 6, NULL, 8, 'fay.new@example.com', 'fay.new@example.com', 1, '', NULL, 'f9c939496a9750f7a9308db561dbdd6aa101ffbb7c74adf77f20f85ae20f5478', '2026-11-22 07:08:50.359242+00', '2026-11-26 07:08:50.341578+00', 0, false, false, true, 1, '127.0.0.1', 'Chrome 156, Linux', '', '');


--
-- Data for Name: invitation; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.invitation VALUES (1, 'fb99d41a2a028ab828c86e12bf78f753c89bc50ee2a31b853d2192dfdb1bd614', 'gus@example.com', 'gus@example.com', false, 1, '2026-11-22 07:08:49.122835+00', '2026-11-25 07:08:49.122835+00');


--
-- Data for Name: link; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.link VALUES (1, '357e9501bcf595179aca3592dc61cc90bc2482ac244f0cc54f44fbb9bc643f1d', 'undo', 3, 'carol@example.com', 'carol@example.com', 2, '2026-11-22 07:08:45.447931+00', '2026-11-29 07:08:45.447931+00', NULL, '2026-11-22 07:08:44.242866+00', '127.0.0.1', 'Chrome 156, Linux');
INSERT INTO public.link VALUES (2, '102c00d5fa5aa7618e479328e057c622a8aa802c2611e31df33fd12aac4ec4d8', 'prove', 6, 'fay.new@example.com', 'fay.new@example.com', 1, '2026-11-22 07:08:50.344012+00', '2026-11-26 07:08:50.344012+00', NULL, NULL, '', '');


--
-- Data for Name: login_session; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.login_session VALUES (1, 'c8c4444de59e96b2b4982f3680484d771846bc0ff7ca603d61c83806fe83eab4', 1, false, '2026-11-22 07:08:43.885701+00', '2026-11-22 07:08:43.885701+00', '2026-11-22 07:08:43.885701+00', '127.0.0.1', 'Chrome 156, Linux', 'a1e15d34');
INSERT INTO public.login_session VALUES (2, '10c35bccfd527f71b918255d1909fe4e07cae03d99a55d1af82189bb06c2b1fa', 2, false, '2026-11-22 07:08:44.088388+00', '2026-11-22 07:08:44.088388+00', '2026-11-22 07:08:44.088388+00', '127.0.0.1', 'Chrome 156, Linux', 'a1e15d34');
INSERT INTO public.login_session VALUES (3, '0345fecede37bea72ecfba48e41595e6fcce66d4055b4a9040779fcb74ed3008', 3, false, '2026-11-22 07:08:44.132996+00', '2026-11-22 07:08:44.132996+00', '2026-11-22 07:08:44.132996+00', '127.0.0.1', 'Chrome 156, Linux', 'a1e15d34');


--
-- Data for Name: mail; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.mail VALUES (1, '<179533132423.15506.15404658777118325009@example.net>', 'code', 3, '', '', '', '', 'sent', '2026-11-22 07:08:44.239633+00', '2026-11-22 07:11:15.063466+00', '2026-11-22 07:18:44.219309+00', 1, '2026-11-22 07:08:45.080757+00', '');
INSERT INTO public.mail VALUES (2, '<179533132423.15506.2467420915923732405@example.net>', 'heads_up', 3, '', '', '', '', 'sent', '2026-11-22 07:08:44.239633+00', '2026-11-22 07:11:15.063466+00', '2026-11-22 07:18:44.219309+00', 1, '2026-11-22 07:08:45.089069+00', '');
INSERT INTO public.mail VALUES (4, '<179533132681.15506.12113598607422355797@example.net>', 'code', 2, '', '', '', '', 'sent', '2026-11-22 07:08:46.815852+00', '2026-11-22 07:11:17.676856+00', '2026-11-22 07:18:46.814546+00', 1, '2026-11-22 07:08:47.69603+00', '');
INSERT INTO public.mail VALUES (5, '<179533132681.15506.15879055828609001885@example.net>', 'heads_up', 2, '', '', '', '', 'sent', '2026-11-22 07:08:46.815852+00', '2026-11-22 07:11:17.676856+00', '2026-11-22 07:18:46.814546+00', 1, '2026-11-22 07:08:47.704342+00', '');
INSERT INTO public.mail VALUES (8, '<179533133035.15505.17426623003697754881@example.net>', 'assisted_proof', 6, 'fay.new@example.com', '请确认您的新邮箱', 'fay，您好：

已为您发起邮箱修改，您账号的邮箱将改为此邮箱。请通过以下链接确认：

http://127.0.0.1:25690/cms/resetemail/prove/N8q_7P_9PFLYGqp0TJBaST6qswGl7-MRVEIuP04EwK0/

时间：2026-11-22 07:08 UTC
操作人：ann

如果您不知情，请忽略此邮件，不会有任何改动。

-- 
账号中心 · 127.0.0.1:25690
', '<!doctype html>
<html lang="zh">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>账号中心</title>
  </head>
  <body style="margin:0;padding:24px 12px;font-family:-apple-system,''Segoe UI'',Roboto,''PingFang SC'',''Microsoft YaHei'',''Noto Sans CJK SC'',sans-serif;font-size:16px;line-height:1.6">
    <div style="max-width:560px;margin:0 auto;padding:24px;border:1px solid #c9cede;border-radius:12px">
      <p style="margin:0 0 20px;padding-bottom:12px;border-bottom:1px solid #c9cede;font-weight:bold;overflow-wrap:anywhere">账号中心 · 127.0.0.1:25690</p>
      
<p>fay，您好：</p>
<p>已为您发起邮箱修改，您账号的邮箱将改为此邮箱。请通过以下链接确认：</p>
<p style="margin:20px 0"><a href="http://127.0.0.1:25690/cms/resetemail/prove/N8q_7P_9PFLYGqp0TJBaST6qswGl7-MRVEIuP04EwK0/" style="display:inline-block;padding:12px 24px;border:1px solid #2f6fde;border-radius:8px;background-color:#2f6fde;color:#ffffff;font-weight:bold;text-decoration:none">确认新邮箱</a></p>
<p style="font-size:14px">如果按钮无法点击，请打开以下网址：<br><a href="http://127.0.0.1:25690/cms/resetemail/prove/N8q_7P_9PFLYGqp0TJBaST6qswGl7-MRVEIuP04EwK0/" style="color:inherit;word-break:break-all">http://127.0.0.1:25690/cms/resetemail/prove/N8q_7P_9PFLYGqp0TJBaST6qswGl7-MRVEIuP04EwK0/</a></p>
<p style="padding-left:12px;border-left:3px solid #8a93b0;overflow-wrap:anywhere">时间：2026-11-22 07:08 UTC<br>
操作人：ann</p>
<p>如果您不知情，请忽略此邮件，不会有任何改动。</p>

    </div>
  </body>
</html>', 'queued', '2026-11-22 07:08:50.358283+00', '2026-11-23 07:08:50.341578+00', '2026-11-26 07:08:50.341578+00', 0, NULL, '');
INSERT INTO public.mail VALUES (12, '<179533133172.15505.5954428131437141891@example.net>', 'task:password_link', NULL, 'dan@example.com', '', '{"request_id": "ce217cd230910349", "origin": {"network": "127.0.0.1", "browser": "Chrome 156, Linux", "site": "http://127.0.0.1:25690", "time_zone": ""}, "language": "zh"}', '', 'queued', '2026-11-22 07:08:51.72221+00', '2026-11-22 07:08:51.72221+00', '2026-11-25 07:08:51.72221+00', 0, NULL, '');
INSERT INTO public.mail VALUES (3, '<179533132545.15506.16499958846917347154@example.net>', 'changed', 3, '', '', '', '', 'sent', '2026-11-22 07:08:45.458516+00', '2026-11-22 07:11:16.287792+00', '2026-11-25 07:08:45.458516+00', 1, '2026-11-22 07:08:46.31347+00', '');
INSERT INTO public.mail VALUES (6, '<179533132913.15505.10423756746641283041@example.net>', 'invitation', 1, '', '', '', '', 'sent', '2026-11-22 07:08:49.137661+00', '2026-11-22 07:11:20.014398+00', '2026-11-25 07:08:49.122835+00', 1, '2026-11-22 07:08:50.028988+00', '');
INSERT INTO public.mail VALUES (7, '<179533133035.15505.6542495636222408663@example.net>', 'assisted', 6, '', '', '', '', 'sent', '2026-11-22 07:08:50.352908+00', '2026-11-22 07:11:21.312285+00', '2026-11-25 07:08:50.352908+00', 1, '2026-11-22 07:08:51.327364+00', '');


--
-- Name: audit_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.audit_id_seq', 20, true);

SELECT pg_catalog.setval('public.cms_user_id_seq', 7, true);

SELECT pg_catalog.setval('public.email_change_id_seq', 3, true);

SELECT pg_catalog.setval('public.invitation_id_seq', 1, true);

SELECT pg_catalog.setval('public.link_id_seq', 2, true);

SELECT pg_catalog.setval('public.login_session_id_seq', 4, true);

SELECT pg_catalog.setval('public.mail_id_seq', 12, true);

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT pk_audit PRIMARY KEY (id);

ALTER TABLE ONLY public.audit_tie
    ADD CONSTRAINT pk_audit_tie PRIMARY KEY (user_id);

ALTER TABLE ONLY public.budget
    ADD CONSTRAINT pk_budget PRIMARY KEY (key);

ALTER TABLE ONLY public.cms_user
    ADD CONSTRAINT pk_cms_user PRIMARY KEY (id);

ALTER TABLE ONLY public.email_change
    ADD CONSTRAINT pk_email_change PRIMARY KEY (id);

ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT pk_invitation PRIMARY KEY (id);

ALTER TABLE ONLY public.link
    ADD CONSTRAINT pk_link PRIMARY KEY (id);

ALTER TABLE ONLY public.login_session
    ADD CONSTRAINT pk_login_session PRIMARY KEY (id);

ALTER TABLE ONLY public.mail
    ADD CONSTRAINT pk_mail PRIMARY KEY (id);

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT uq_audit_user_id_number UNIQUE (user_id, number);

ALTER TABLE ONLY public.cms_user
    ADD CONSTRAINT uq_cms_user_email_key UNIQUE (email_key);

ALTER TABLE ONLY public.cms_user
    ADD CONSTRAINT uq_cms_user_username_key UNIQUE (username_key);

ALTER TABLE ONLY public.email_change
    ADD CONSTRAINT uq_email_change_stop_hash UNIQUE (stop_hash);

ALTER TABLE ONLY public.email_change
    ADD CONSTRAINT uq_email_change_user_id UNIQUE (user_id);

ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT uq_invitation_email_key UNIQUE (email_key);

ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT uq_invitation_token_hash UNIQUE (token_hash);

ALTER TABLE ONLY public.link
    ADD CONSTRAINT uq_link_token_hash UNIQUE (token_hash);

ALTER TABLE ONLY public.login_session
    ADD CONSTRAINT uq_login_session_id_hash UNIQUE (id_hash);

ALTER TABLE ONLY public.mail
    ADD CONSTRAINT uq_mail_message_id UNIQUE (message_id);

CREATE INDEX ix_audit_actor_id_at ON public.audit USING btree (actor_id, at);

CREATE INDEX ix_budget_resets_at ON public.budget USING btree (resets_at);

CREATE INDEX ix_cms_user_created_at ON public.cms_user USING btree (created_at);

CREATE INDEX ix_cms_user_is_superuser ON public.cms_user USING btree (id) WHERE is_superuser;

CREATE INDEX ix_email_change_expires_at ON public.email_change USING btree (expires_at);

CREATE INDEX ix_email_change_is_assisted ON public.email_change USING btree (asked_at, id) WHERE is_assisted;

CREATE INDEX ix_email_change_mail_id ON public.email_change USING btree (mail_id);

CREATE INDEX ix_email_change_session_id ON public.email_change USING btree (session_id);

CREATE INDEX ix_email_change_started_by ON public.email_change USING btree (started_by);

CREATE INDEX ix_invitation_created_at ON public.invitation USING btree (created_at);

CREATE INDEX ix_invitation_expires_at ON public.invitation USING btree (expires_at);

CREATE INDEX ix_link_email_key ON public.link USING btree (email_key);

CREATE INDEX ix_link_ended_at ON public.link USING btree (ended_at);

CREATE INDEX ix_link_expires_at ON public.link USING btree (expires_at);

CREATE INDEX ix_link_user_id_purpose ON public.link USING btree (user_id, purpose);

CREATE INDEX ix_login_session_remembered_created_at ON public.login_session USING btree (remembered, created_at);

CREATE INDEX ix_login_session_remembered_seen_at ON public.login_session USING btree (remembered, seen_at);

CREATE INDEX ix_login_session_user_id ON public.login_session USING btree (user_id);

CREATE INDEX ix_mail_done_at ON public.mail USING btree (done_at);

CREATE INDEX ix_mail_state_due_at ON public.mail USING btree (state, due_at);

CREATE INDEX ix_mail_user_id ON public.mail USING btree (user_id);

ALTER TABLE ONLY public.audit_tie
    ADD CONSTRAINT fk_audit_tie_user_id FOREIGN KEY (user_id) REFERENCES public.cms_user(id);

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT fk_audit_user_id FOREIGN KEY (user_id) REFERENCES public.cms_user(id);

ALTER TABLE ONLY public.email_change
    ADD CONSTRAINT fk_email_change_mail_id FOREIGN KEY (mail_id) REFERENCES public.mail(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.email_change
    ADD CONSTRAINT fk_email_change_session_id FOREIGN KEY (session_id) REFERENCES public.login_session(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.email_change
    ADD CONSTRAINT fk_email_change_started_by FOREIGN KEY (started_by) REFERENCES public.cms_user(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.email_change
    ADD CONSTRAINT fk_email_change_user_id FOREIGN KEY (user_id) REFERENCES public.cms_user(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT fk_invitation_invited_by FOREIGN KEY (invited_by) REFERENCES public.cms_user(id);

ALTER TABLE ONLY public.link
    ADD CONSTRAINT fk_link_user_id FOREIGN KEY (user_id) REFERENCES public.cms_user(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.login_session
    ADD CONSTRAINT fk_login_session_user_id FOREIGN KEY (user_id) REFERENCES public.cms_user(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.mail
    ADD CONSTRAINT fk_mail_user_id FOREIGN KEY (user_id) REFERENCES public.cms_user(id) ON DELETE CASCADE;

