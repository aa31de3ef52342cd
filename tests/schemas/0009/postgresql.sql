
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

CREATE TABLE public.authenticator_app (
    id integer NOT NULL,
    user_id integer NOT NULL,
    secret character varying(255) NOT NULL,
    key_id character varying(8) NOT NULL,
    last_step bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    confirmed_at timestamp with time zone,
    used_at timestamp with time zone
);

CREATE SEQUENCE public.authenticator_app_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.authenticator_app_id_seq OWNED BY public.authenticator_app.id;

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
    erased_at timestamp with time zone,
    has_second_factor boolean DEFAULT false NOT NULL,
    user_handle character varying(43),
    factor_required_at timestamp with time zone
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

CREATE TABLE public.factor_reset (
    id integer NOT NULL,
    user_id integer NOT NULL,
    started_by integer NOT NULL,
    reason text NOT NULL,
    stop_hash character varying(64) NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    network character varying(64) NOT NULL,
    browser character varying(200) NOT NULL,
    outcome character varying(10) NOT NULL
);

CREATE SEQUENCE public.factor_reset_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.factor_reset_id_seq OWNED BY public.factor_reset.id;

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

CREATE TABLE public.passkey (
    id integer NOT NULL,
    user_id integer NOT NULL,
    credential_hash character varying(64) NOT NULL,
    credential text NOT NULL,
    transports character varying(100) NOT NULL,
    name character varying(60) NOT NULL,
    sign_count bigint NOT NULL,
    challenged_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone
);

CREATE SEQUENCE public.passkey_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.passkey_id_seq OWNED BY public.passkey.id;

CREATE TABLE public.pending_sign_in (
    id integer NOT NULL,
    token_hash character varying(64) NOT NULL,
    user_id integer NOT NULL,
    remembered boolean NOT NULL,
    password_version integer NOT NULL,
    email_version integer NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

CREATE SEQUENCE public.pending_sign_in_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.pending_sign_in_id_seq OWNED BY public.pending_sign_in.id;

CREATE TABLE public.recovery_code (
    id integer NOT NULL,
    user_id integer NOT NULL,
    salt character varying(100) NOT NULL,
    code_hash character varying(64) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone
);

CREATE SEQUENCE public.recovery_code_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.recovery_code_id_seq OWNED BY public.recovery_code.id;

ALTER TABLE ONLY public.audit ALTER COLUMN id SET DEFAULT nextval('public.audit_id_seq'::regclass);

ALTER TABLE ONLY public.authenticator_app ALTER COLUMN id SET DEFAULT nextval('public.authenticator_app_id_seq'::regclass);

ALTER TABLE ONLY public.cms_user ALTER COLUMN id SET DEFAULT nextval('public.cms_user_id_seq'::regclass);

ALTER TABLE ONLY public.email_change ALTER COLUMN id SET DEFAULT nextval('public.email_change_id_seq'::regclass);

ALTER TABLE ONLY public.factor_reset ALTER COLUMN id SET DEFAULT nextval('public.factor_reset_id_seq'::regclass);

ALTER TABLE ONLY public.invitation ALTER COLUMN id SET DEFAULT nextval('public.invitation_id_seq'::regclass);

ALTER TABLE ONLY public.link ALTER COLUMN id SET DEFAULT nextval('public.link_id_seq'::regclass);

ALTER TABLE ONLY public.login_session ALTER COLUMN id SET DEFAULT nextval('public.login_session_id_seq'::regclass);

ALTER TABLE ONLY public.mail ALTER COLUMN id SET DEFAULT nextval('public.mail_id_seq'::regclass);

ALTER TABLE ONLY public.passkey ALTER COLUMN id SET DEFAULT nextval('public.passkey_id_seq'::regclass);

ALTER TABLE ONLY public.pending_sign_in ALTER COLUMN id SET DEFAULT nextval('public.pending_sign_in_id_seq'::regclass);

ALTER TABLE ONLY public.recovery_code ALTER COLUMN id SET DEFAULT nextval('public.recovery_code_id_seq'::regclass);


INSERT INTO public.alembic_version VALUES ('0009');


--
-- Data for Name: audit; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.audit VALUES (1, 1, 1, 'administrator_created', NULL, '2026-11-22 10:01:54.956839+00', '2026-11-22 10:01:54.956839+00', 1, '-', 'command line', '{"superuser": true}', '6df0585043ef490597ab696cfde82e9a46b79342362dcf919b130d6ee5e26a32', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (2, 2, 1, 'administrator_created', NULL, '2026-11-22 10:02:01.831606+00', '2026-11-22 10:02:01.831606+00', 1, '-', 'command line', '{"superuser": false}', '334e531432b2347a28c2d908441b389550c142019d9b804f3a1f0a1062e5f078', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (3, 3, 1, 'administrator_created', NULL, '2026-11-22 10:02:07.285447+00', '2026-11-22 10:02:07.285447+00', 1, '-', 'command line', '{"superuser": false}', '56638c9fc807f06bb05c04a019c3a743ba9d219c5fd64df2a9f5d59bf2c02c5d', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (4, 4, 1, 'administrator_created', NULL, '2026-11-22 10:02:12.945672+00', '2026-11-22 10:02:12.945672+00', 1, '-', 'command line', '{"superuser": false}', 'aec9add40711364af0aec96cb2f6bb378ddc33bbbc0d317876d8e8c2be65abae', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (5, 5, 1, 'administrator_created', NULL, '2026-11-22 10:02:19.739687+00', '2026-11-22 10:02:19.739687+00', 1, '-', 'command line', '{"superuser": false}', 'd8e46648de64e5b78edaef75b3a4d653641269aa10345430a6420299b143a0f8', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (6, 6, 1, 'administrator_created', NULL, '2026-11-22 10:02:27.852942+00', '2026-11-22 10:02:27.852942+00', 1, '-', 'command line', '{"superuser": false}', '4aeb580563f509c1563f08b43e5ac6be28a3898320c27f0a9b6ac289a7052807', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (7, 7, 1, 'administrator_created', NULL, '2026-11-22 10:02:36.091935+00', '2026-11-22 10:02:36.091935+00', 1, '-', 'command line', '{"superuser": false}', 'c6be4363620cd603552ca5d9b9b1d0e9c6967f2556bada6f29bd14414429d80f', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (8, 8, 1, 'administrator_created', NULL, '2026-11-22 10:02:43.650411+00', '2026-11-22 10:02:43.650411+00', 1, '-', 'command line', '{"superuser": false}', '6e7963111332f43feb2c2d82f414fc30074b4056347c5812eba9cc06d5b3be68', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (10, 1, 2, 'signed_in', 1, '2026-11-22 10:03:08.746062+00', '2026-11-22 10:03:08.746062+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '489fa00a78dd99803845bd49e2b052879e41b7865aa3ad6f5740fbc76e4f6659', 'a1e15d34', 'b7582a534e114d33');
INSERT INTO public.audit VALUES (11, 7, 2, 'signed_in', 7, '2026-11-22 10:03:09.530214+00', '2026-11-22 10:03:09.530214+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '39c4c4550b412f3d7967c39c93ef9ea19229f06106defb2aac9324da8732c2cb', 'a1e15d34', '361959e4e9f2feb4');
INSERT INTO public.audit VALUES (12, 8, 2, 'signed_in', 8, '2026-11-22 10:03:09.672248+00', '2026-11-22 10:03:09.672248+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '5a2606e229b54dacc80ff2b59a2f0bf6249d9c90325b7d16c7d5958922ab9174', 'a1e15d34', '5de9b1f59e06b127');
INSERT INTO public.audit VALUES (13, 7, 3, 'passkey_added', 7, '2026-11-22 10:03:11.815384+00', '2026-11-22 10:03:11.815384+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"name": "Phone"}', 'decb3384f738e2039f773ab36e368ef53dd255aaac47de84efdb3dee72dd74dd', 'a1e15d34', 'c271d9e1a736b760');
INSERT INTO public.audit VALUES (14, 7, 4, 'app_added', 7, '2026-11-22 10:03:12.59915+00', '2026-11-22 10:03:12.59915+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '5e5f41b80f93fcdea77bafe29f0cfd04130085030065953ff2da895aa04400b8', 'a1e15d34', '120c2b7f641968ac');
INSERT INTO public.audit VALUES (15, 8, 3, 'app_added', 8, '2026-11-22 10:03:14.443068+00', '2026-11-22 10:03:14.443068+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '5cf25f4eaa7da5bbb95937f5fc42471f2d17ac7bcc318e1e996479bfe862514a', 'a1e15d34', 'c920f69b34bf71e4');
INSERT INTO public.audit VALUES (16, 7, 5, 'factor_reset_started', 1, '2026-11-22 10:03:14.807519+00', '2026-11-22 10:03:14.807519+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"by": "ann", "reason": "lost his phone"}', '73e2959c785792d8ddc715a5ebbe3d0e73a39613fe0015436cefbe7c388d0d07', 'a1e15d34', '0c0a6008b2ea4575');
INSERT INTO public.audit VALUES (17, 1, 3, 'signed_in', 1, '2026-11-22 10:03:21.345371+00', '2026-11-22 10:03:21.345371+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '2f9f7a3f04b8d7c95ac07ae20c31766ee9c3e0956065cf6c5ece8e6a643f05cb', 'a1e15d34', '9dc680dddf4eec96');
INSERT INTO public.audit VALUES (18, 2, 2, 'signed_in', 2, '2026-11-22 10:03:21.603159+00', '2026-11-22 10:03:21.603159+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '1a7f60ded9aaafcd369de37de8b1e4d4cdeadf6b19a826964b0fb6f69ca3978a', 'a1e15d34', '30bbcee6c8b0560c');
INSERT INTO public.audit VALUES (19, 3, 2, 'signed_in', 3, '2026-11-22 10:03:21.782349+00', '2026-11-22 10:03:21.782349+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '0f65b120406685f2aae368710b021cb98a9b9fc7128124bffd7665a876400b64', 'a1e15d34', 'd30b5d378d80605e');
INSERT INTO public.audit VALUES (20, 5, 2, 'signed_in', 5, '2026-11-22 10:03:21.99719+00', '2026-11-22 10:03:21.99719+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', 'c4e546c4077941334ed600322372cf63ddfa1e85ebd667e9cf9456ba01956f45', 'a1e15d34', '359cf543580363a1');
INSERT INTO public.audit VALUES (21, 3, 3, 'code_requested', 3, '2026-11-22 10:03:22.136361+00', '2026-11-22 10:03:22.136361+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "carol.new@example.com"}', 'c91a4083af6ce8118ef8adc36baab678f6785a072c216c74f0d43a5b995c6327', 'a1e15d34', 'c6fe21577be520c9');
INSERT INTO public.audit VALUES (22, 3, 4, 'code_wrong', 3, '2026-11-22 10:03:27.89311+00', '2026-11-22 10:03:27.89311+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "carol.new@example.com"}', '494803efdad8e1b2c82938249eec954e0f7ed26a7d2aa71b4fb73ea8517a7b22', 'a1e15d34', '68590bcc212af25b');
INSERT INTO public.audit VALUES (23, 3, 5, 'email_changed', 3, '2026-11-22 10:03:27.940441+00', '2026-11-22 10:03:27.940441+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"new": "carol.new@example.com", "old": "carol@example.com"}', 'bde98db1aa9881e0878a71bf3d7d7d6f8ac4b8bbdb75ebdb4f96836100b3ed96', 'a1e15d34', 'e5305af6ef040841');
INSERT INTO public.audit VALUES (24, 2, 3, 'code_requested', 2, '2026-11-22 10:03:34.221003+00', '2026-11-22 10:03:34.221003+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "bob.new@example.com"}', '751adf9a5d073d5239b714f6be39a64ae26218c4f5781cf0f904370b1c0a1e75', 'a1e15d34', '698dbe8b03385270');
INSERT INTO public.audit VALUES (25, 2, 4, 'code_wrong', 2, '2026-11-22 10:03:41.784953+00', '2026-11-22 10:03:41.784953+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "bob.new@example.com"}', '7bf2a80eab195f62a3383a85047dec8ccf659af7cbca8aa00c4073c5766cd221', 'a1e15d34', '4ecb5c7804505e26');
INSERT INTO public.audit VALUES (26, 1, 4, 'invitation_sent', 1, '2026-11-22 10:03:47.61114+00', '2026-11-22 10:03:47.61114+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "gus@example.com", "superuser": false}', 'f87c8d1595064a949f4e785d82dc2ead31ab25ebaff092f20766e04db29857a8', 'a1e15d34', '6aa2f5709b13af99');
INSERT INTO public.audit VALUES (27, 6, 2, 'change_started', 1, '2026-11-22 10:03:53.047497+00', '2026-11-22 10:03:53.047497+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"by": "ann", "email": "fay.new@example.com", "reason": "lost her mailbox"}', '44dee93f0e7b9bb615f44ee39e26f129d4f05ca49e298a816842d958e6dc6739', 'a1e15d34', '12756e75b1a05dda');
INSERT INTO public.audit VALUES (28, 5, 3, 'signed_out', 5, '2026-11-22 10:03:53.751902+00', '2026-11-22 10:03:53.751902+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', 'ae1c87a8533faf243ccc2eb07a347a3943b9ba496d1c3140f44f73e90049f01a', 'a1e15d34', '85dbab738be1de53');
INSERT INTO public.audit VALUES (29, 5, 4, 'sign_in_failed', 5, '2026-11-22 10:03:53.243689+00', '2026-11-22 10:03:53.676433+00', 3, '127.0.0.1', 'Chrome 156, Linux', '{}', 'c47be3872dbe1c3c6c6954006caf994c9717e2ad2031f1145d5c2e8194b7dca9', 'a1e15d34', 'e2955c6ca55eb890');


--
-- Data for Name: audit_tie; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.audit_tie VALUES (9, 1, '9558d69b2e07dc374cebb78469c32a388bf3a05160709780a043d88f68576935', '2025-11-22 10:02:50.408397+00', '2026-11-22 10:02:57.235755+00', 'history-20261122T100257Z-1d6d9596.jsonl', 'a1e15d34', 'e6d30e5001b4e3d00809f8173b2ba0678ca69f43e5914f534737d741156df436');


--
-- Data for Name: authenticator_app; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.authenticator_app VALUES (1, 7, 'gAAAAABrAr3gLsg3eg6Uc73xL2nqi2Ds4uw1tPlVEeZnra6Hukzhz85zN0UI-MkW2cRJBWDsp3ff5CkYd1IPFxNS0KbVVqU8iVKC1iw2WQ_RRI_Aa5mO-v6kfTSrDLCbmpLvTlawelQM', 'a1e15d34', 59844726, '2026-11-22 10:03:12.129864+00', '2026-11-22 10:03:12.563787+00', '2026-11-22 10:03:12.550331+00');
INSERT INTO public.authenticator_app VALUES (2, 8, 'gAAAAABrAr3gzd5s6DcVSiKYTXCbOm2X0VJGS39D5DMZcYEVVcla1_6eKy3dBryEnNHTM8JKfVzu_-byhA30kqAja0n2qvsKu1IP16Ou1uaoPgFo8K33GtGGpNZsJBgVFeBTbkIWgwLy', 'a1e15d34', 59844726, '2026-11-22 10:03:12.982304+00', '2026-11-22 10:03:14.396408+00', '2026-11-22 10:03:14.38799+00');


--
-- Data for Name: budget; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.budget VALUES ('2473c4d9ad1cd8e2779b13295bba09a8487b72b57daf50f3dc21580436ef0fcf', 1, '2026-11-22 10:03:22.06765+00', '2026-11-22 11:03:22.06765+00');
INSERT INTO public.budget VALUES ('4d52d9181fbecfde1d766b282dcbaee9baf05cb04ac36c518732dafaf34ff2e5', 1, '2026-11-22 10:03:22.06765+00', '2026-11-22 11:03:22.06765+00');
INSERT INTO public.budget VALUES ('d13fe704acec3384faeaf4a12fe898418d7fd387d178ad136c841af9354f8a4d', 1, '2026-11-22 10:03:22.06765+00', '2026-11-23 10:03:22.06765+00');
INSERT INTO public.budget VALUES ('0c938d5a29069cb229fc7ed3880b5c4aef52721bda6d9ead5f72edd3716cde15', 2, '2026-11-22 10:03:27.939641+00', '2026-11-23 10:03:27.880299+00');
INSERT INTO public.budget VALUES ('2319e8a1d3803deb9815b114c1ceb0b62e7e29df8b51946fb38bfbf60d001dd1', 2, '2026-11-22 10:03:27.939641+00', '2026-11-23 10:03:27.880299+00');
INSERT INTO public.budget VALUES ('2beefded8416fa255543a5a93bc420c16fa09e175b428f7a8346660d9a1bea66', 1, '2026-11-22 10:03:34.128044+00', '2026-11-22 11:03:34.128044+00');
INSERT INTO public.budget VALUES ('dae428aad6b057aa354b438cded2fb1f9f751241e07ea2b6cfd114e1a72a0bbc', 2, '2026-11-22 10:03:34.128044+00', '2026-11-22 11:03:22.06765+00');
INSERT INTO public.budget VALUES ('e819d40996c06513a021915c4c30e8b40f86a5af9327eab3416a226befa66821', 1, '2026-11-22 10:03:34.128044+00', '2026-11-23 10:03:34.128044+00');
INSERT INTO public.budget VALUES ('f93053a5efb0f6a56d39b909e33035986c106896a08d32b2c8f9bc5ea6a60e46', 1, '2026-11-22 10:03:34.128044+00', '2026-11-22 11:03:34.128044+00');
INSERT INTO public.budget VALUES ('603f9f295bc34c1ee937907c707ba1950ce7a57459f736417282d63fff5f63ab', 1, '2026-11-22 10:03:41.778231+00', '2026-11-23 10:03:41.778231+00');
INSERT INTO public.budget VALUES ('82f509c0124e30f87d49ec82f74ebca65a372fb8c5064da17184aab721e675c1', 1, '2026-11-22 10:03:41.778231+00', '2026-11-23 10:03:41.778231+00');
INSERT INTO public.budget VALUES ('ae32f60042d346b17fc9d7850f725f342f2030863d1830420e2d8a8541ec0ea2', 1, '2026-11-22 10:03:47.57916+00', '2026-11-22 11:03:47.57916+00');


--
-- Data for Name: cms_user; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.cms_user VALUES (7, 'hal', 'hal', 'hal@example.com', 'hal@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$gq1prsBCyq0N2j7DkG+aHg$JHh/mJIrGCrlFpsGBfksoaWrT0pa9C/h6Klt+vVql0Q', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 10:02:35.641852+00', '2026-11-22 10:03:14.807519+00', NULL, 5, '73e2959c785792d8ddc715a5ebbe3d0e73a39613fe0015436cefbe7c388d0d07', 1, '2026-11-22 10:03:09.530192+00', NULL, NULL, true, 'o1Y0G7upUGK7fAslci-OzDLLEywGAXkbr9dwSqIV5XQ', NULL);
INSERT INTO public.cms_user VALUES (4, 'dan', 'dan', 'dan@example.com', 'dan@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$aFXq5/1ePv+rV9exSk2O6Q$cX+21+SxiyQxj90vL/vrVwj5Up2wVVoiyMPswYr6wR0', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 10:02:12.715764+00', '2026-11-22 10:02:12.945672+00', NULL, 1, 'aec9add40711364af0aec96cb2f6bb378ddc33bbbc0d317876d8e8c2be65abae', 1, NULL, NULL, NULL, false, NULL, NULL);
INSERT INTO public.cms_user VALUES (5, 'eve', 'eve', 'eve@example.com', 'eve@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$25qD+zi6oDPZv6gV/JSVdA$/kYmXgmr/2nw3l2uE0YxpvymntYqjOWbjCWKd/IQVzk', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 10:02:19.478255+00', '2026-11-22 10:03:53.243689+00', NULL, 4, 'c47be3872dbe1c3c6c6954006caf994c9717e2ad2031f1145d5c2e8194b7dca9', 1, '2026-11-22 10:03:21.996812+00', NULL, NULL, false, NULL, NULL);
INSERT INTO public.cms_user VALUES (9, 'jan', 'jan', 'jan@example.com', 'jan@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$4XFXDJPVXeqA21Ap19rJqA$uAPaQN6pJoXpRHHJRLZNq9wWJVPQWey93RdzQTqoB9M', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2025-11-22 10:02:50.154099+00', '2025-11-22 10:02:50.408397+00', NULL, 1, '9558d69b2e07dc374cebb78469c32a388bf3a05160709780a043d88f68576935', 1, NULL, NULL, NULL, false, NULL, NULL);
INSERT INTO public.cms_user VALUES (8, 'ida', 'ida', 'ida@example.com', 'ida@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$Ca0fKKldmqV8SU2H8nSbKw$rx3yanbMZAvNMayDNKORZR2kLfg6SRp8a1lnaM1orJA', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 10:02:43.346915+00', '2026-11-22 10:03:14.443068+00', NULL, 3, '5cf25f4eaa7da5bbb95937f5fc42471f2d17ac7bcc318e1e996479bfe862514a', 1, '2026-11-22 10:03:09.672223+00', NULL, NULL, true, NULL, NULL);
INSERT INTO public.cms_user VALUES (3, 'carol', 'carol', 'carol.new@example.com', 'carol.new@example.com', 2, '$argon2id$v=19$m=19456,t=2,p=1$F/B3C2uzcmX0/9wSIVAfVA$lL5bamgpS7Gzwn3JfUsxTwGKAFeAZc8mufAHLEPmFZo', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 10:02:07.149087+00', '2026-11-22 10:03:27.940441+00', NULL, 5, 'bde98db1aa9881e0878a71bf3d7d7d6f8ac4b8bbdb75ebdb4f96836100b3ed96', 1, '2026-11-22 10:03:21.782321+00', NULL, NULL, false, NULL, NULL);
INSERT INTO public.cms_user VALUES (2, 'bob', 'bob', 'bob@example.com', 'bob@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$DMBZVyt8T2dQCM2NLBOi9g$wq4TRFEkLnUNggloXAhKApJ4QTvAdMZhbmi2GkkFIb4', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 10:02:01.64035+00', '2026-11-22 10:03:41.784953+00', NULL, 4, '7bf2a80eab195f62a3383a85047dec8ccf659af7cbca8aa00c4073c5766cd221', 1, '2026-11-22 10:03:21.603127+00', NULL, NULL, false, NULL, NULL);
INSERT INTO public.cms_user VALUES (1, 'ann', 'ann', 'ann@example.com', 'ann@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$qWjzBZC/j6pOiWiqzQQD8g$XRvSaYgyV6SMl/zbLyOzzC/fppoKHIldE3zl8l4GnOw', true, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 10:01:54.866505+00', '2026-11-22 10:03:47.61114+00', NULL, 4, 'f87c8d1595064a949f4e785d82dc2ead31ab25ebaff092f20766e04db29857a8', 1, '2026-11-22 10:03:21.345346+00', NULL, NULL, false, NULL, NULL);
INSERT INTO public.cms_user VALUES (6, 'fay', 'fay', 'fay@example.com', 'fay@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$J6qTca+y7WvQOaJvfA2gWQ$3Ot6qPm5wgJ8exZrKaWldzaoeEaIO4rQmFUjqQNrdwY', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 10:02:27.555392+00', '2026-11-22 10:03:53.047497+00', NULL, 2, '44dee93f0e7b9bb615f44ee39e26f129d4f05ca49e298a816842d958e6dc6739', 1, NULL, NULL, NULL, false, NULL, NULL);


--
-- Data for Name: email_change; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.email_change VALUES (1, 3, 6, 6, 'carol.new@example.com', 'carol.new@example.com', 1, 'a1e15d34.3GcfDMajb5XZmsrcuOJCOg', NULL, '40f62a69702eb73dc06d6826dcdf5f3dd15463f7215390cf4ee6093a35a08784', '2026-11-22 10:03:22.126575+00', '2026-11-22 10:13:22.075369+00', 2, false, false, false, NULL, '127.0.0.1', 'Chrome 156, Linux', 'made', '');
INSERT INTO public.email_change VALUES (2, 2, 5, 9, 'bob.new@example.com', 'bob.new@example.com', 1, 'a1e15d34.XB7hjc7W1vcMDDi5A3fgxg', NULL, '0d1b4e948c0c2462b7968196a46f4bf58d2c582d59f3991328abf3f173cf8f84', '2026-11-22 10:03:34.203798+00', '2026-11-22 10:13:34.135807+00', 1, false, false, false, NULL, '127.0.0.1', 'Chrome 156, Linux', '', '');
INSERT INTO public.email_change VALUES (3, 6, NULL, 13, 'fay.new@example.com', 'fay.new@example.com', 1, '', NULL, '499a2f686b228abfdd86deb29e4b5105766af27c6860ca05a87b759f740b4b03', '2026-11-22 10:03:52.998591+00', '2026-11-26 10:03:52.792867+00', 0, false, false, true, 1, '127.0.0.1', 'Chrome 156, Linux', '', '');


--
-- Data for Name: factor_reset; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.factor_reset VALUES (1, 7, 1, 'lost his phone', 'df350997d3fc272b6bfee4846c2b826613df7dec1b7b7b6f980a88826136797d', '2026-11-22 10:03:14.791147+00', '2026-11-23 10:03:14.791147+00', '2026-11-26 10:03:14.791147+00', '127.0.0.1', 'Chrome 156, Linux', '');


--
-- Data for Name: invitation; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.invitation VALUES (1, '44e5c23f85231c324afde2aac563e3424c44776fb390e47f3798c759c7c776af', 'gus@example.com', 'gus@example.com', false, 1, '2026-11-22 10:03:47.582992+00', '2026-11-25 10:03:47.582992+00');


--
-- Data for Name: link; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.link VALUES (1, '0639e63ae35997014adda434b160a89e083b316b31ad58cea6c44fb532b580c3', 'undo', 3, 'carol@example.com', 'carol@example.com', 2, '2026-11-22 10:03:27.94488+00', '2026-11-29 10:03:27.94488+00', NULL, '2026-11-22 10:03:22.126575+00', '127.0.0.1', 'Chrome 156, Linux');
INSERT INTO public.link VALUES (2, '3f21f2fe920c510d200b061cc7926c379d4787377262863b13ed47cae6f60f55', 'prove', 6, 'fay.new@example.com', 'fay.new@example.com', 1, '2026-11-22 10:03:52.804046+00', '2026-11-26 10:03:52.804046+00', NULL, NULL, '', '');


--
-- Data for Name: login_session; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.login_session VALUES (1, '31190222f85c8a82d28d0484150ab088757e7a514e48740581dab02282b6e77d', 1, false, '2026-11-22 10:03:08.745734+00', '2026-11-22 10:03:08.745734+00', '2026-11-22 10:03:08.745734+00', '127.0.0.1', 'Chrome 156, Linux', 'a1e15d34');
INSERT INTO public.login_session VALUES (2, '1c5af555ec13ef020f59646bc74bbd86e7dabbdb83b50fe0080bd2d97a4281bf', 7, false, '2026-11-22 10:03:09.52993+00', '2026-11-22 10:03:09.52993+00', '2026-11-22 10:03:09.52993+00', '127.0.0.1', 'Chrome 156, Linux', 'a1e15d34');
INSERT INTO public.login_session VALUES (3, 'd440ae8bab03fd87c8b366caf6396ec9ad76ef8b967eacb122f03874cedb57ab', 8, false, '2026-11-22 10:03:09.671954+00', '2026-11-22 10:03:09.671954+00', '2026-11-22 10:03:09.671954+00', '127.0.0.1', 'Chrome 156, Linux', 'a1e15d34');
INSERT INTO public.login_session VALUES (4, 'f0aa3ecf1c10ed7215e3f8c4da9cbe7982dc8dd29e4207703058105d7d3f031d', 1, false, '2026-11-22 10:03:21.345108+00', '2026-11-22 10:03:21.345108+00', '2026-11-22 10:03:21.345108+00', '127.0.0.1', 'Chrome 156, Linux', 'a1e15d34');
INSERT INTO public.login_session VALUES (5, '18852205c7dc2767872b746e2d44e180ab2437b4df88e05b6f365d5c602ceb57', 2, false, '2026-11-22 10:03:21.599381+00', '2026-11-22 10:03:21.599381+00', '2026-11-22 10:03:21.599381+00', '127.0.0.1', 'Chrome 156, Linux', 'a1e15d34');
INSERT INTO public.login_session VALUES (6, 'f1009621f61d1c196b4b5dd52063455e37ca485dafc8727e415e9b61606f6c0a', 3, false, '2026-11-22 10:03:21.782017+00', '2026-11-22 10:03:21.782017+00', '2026-11-22 10:03:21.782017+00', '127.0.0.1', 'Chrome 156, Linux', 'a1e15d34');


--
-- Data for Name: mail; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.mail VALUES (4, '<179534179479.24154.11465071829397994043@example.net>', 'task:factor_reset', 7, 'hal@example.com', '', '{"request_id": "0c0a6008b2ea4575", "origin": {"network": "", "browser": "", "site": "http://localhost:24799", "time_zone": ""}, "reset": "df350997d3fc272b6bfee4846c2b826613df7dec1b7b7b6f980a88826136797d"}', '', 'queued', '2026-11-22 10:03:14.799726+00', '2026-11-23 10:03:14.791147+00', '2026-11-26 10:03:14.791147+00', 0, NULL, '');
INSERT INTO public.mail VALUES (5, '<179534179486.24154.13940555949695417004@example.net>', 'factor_reset', 7, '', '', '', '', 'sent', '2026-11-22 10:03:14.865539+00', '2026-11-22 10:05:48.895176+00', '2026-11-25 10:03:14.865539+00', 1, '2026-11-22 10:03:19.115673+00', '');
INSERT INTO public.mail VALUES (7, '<179534180211.24155.10434484240828270414@example.net>', 'heads_up', 3, '', '', '', '', 'sent', '2026-11-22 10:03:22.116495+00', '2026-11-22 10:05:56.323157+00', '2026-11-22 10:13:22.075369+00', 1, '2026-11-22 10:03:26.451652+00', '');
INSERT INTO public.mail VALUES (8, '<179534180798.24155.4637324776519735661@example.net>', 'changed', 3, '', '', '', '', 'sent', '2026-11-22 10:03:27.98196+00', '2026-11-22 10:06:02.459903+00', '2026-11-25 10:03:27.98196+00', 1, '2026-11-22 10:03:32.606746+00', '');
INSERT INTO public.mail VALUES (1, '<179534179197.24155.13446071598404643064@example.net>', 'factor_changed', 7, '', '', '', '', 'sent', '2026-11-22 10:03:11.971349+00', '2026-11-22 10:05:48.895176+00', '2026-11-25 10:03:11.971349+00', 1, '2026-11-22 10:03:18.987179+00', '');
INSERT INTO public.mail VALUES (2, '<179534179261.24155.3574819465486463404@example.net>', 'factor_changed', 7, '', '', '', '', 'sent', '2026-11-22 10:03:12.612357+00', '2026-11-22 10:05:48.895176+00', '2026-11-25 10:03:12.612357+00', 1, '2026-11-22 10:03:19.041421+00', '');
INSERT INTO public.mail VALUES (3, '<179534179455.24154.11174080242674639111@example.net>', 'factor_changed', 8, '', '', '', '', 'sent', '2026-11-22 10:03:14.55118+00', '2026-11-22 10:05:48.895176+00', '2026-11-25 10:03:14.55118+00', 1, '2026-11-22 10:03:19.083294+00', '');
INSERT INTO public.mail VALUES (6, '<179534180211.24155.6757328219138535084@example.net>', 'code', 3, '', '', '', '', 'sent', '2026-11-22 10:03:22.116495+00', '2026-11-22 10:05:56.323157+00', '2026-11-22 10:13:22.075369+00', 1, '2026-11-22 10:03:26.41814+00', '');
INSERT INTO public.mail VALUES (9, '<179534181418.24154.3889819408828888792@example.net>', 'code', 2, '', '', '', '', 'sent', '2026-11-22 10:03:34.185508+00', '2026-11-22 10:06:09.276248+00', '2026-11-22 10:13:34.135807+00', 1, '2026-11-22 10:03:39.415303+00', '');
INSERT INTO public.mail VALUES (10, '<179534181418.24154.678738424102963595@example.net>', 'heads_up', 2, '', '', '', '', 'sent', '2026-11-22 10:03:34.185508+00', '2026-11-22 10:06:09.276248+00', '2026-11-22 10:13:34.135807+00', 1, '2026-11-22 10:03:39.449952+00', '');
INSERT INTO public.mail VALUES (17, '<179534183985.24154.16177549760061130856@example.net>', 'task:password_link', NULL, 'dan@example.com', '', '{"request_id": "88428c230b860de7", "origin": {"network": "127.0.0.1", "browser": "Chrome 156, Linux", "site": "http://127.0.0.1:24799", "time_zone": ""}, "language": "zh"}', '', 'queued', '2026-11-22 10:03:59.855802+00', '2026-11-22 10:03:59.855802+00', '2026-11-25 10:03:59.855802+00', 0, NULL, '');
INSERT INTO public.mail VALUES (11, '<179534182760.24155.7059796393863680288@example.net>', 'invitation', 1, '', '', '', '', 'sent', '2026-11-22 10:03:47.603409+00', '2026-11-22 10:06:20.766209+00', '2026-11-25 10:03:47.582992+00', 1, '2026-11-22 10:03:50.946891+00', '');
INSERT INTO public.mail VALUES (13, '<179534183299.24155.2711209586927095524@example.net>', 'assisted_proof', 6, 'fay.new@example.com', '请确认您的新邮箱', 'fay，您好：

已为您发起邮箱修改，您账号的邮箱将改为此邮箱。请通过以下链接确认：

http://127.0.0.1:24799/cms/resetemail/prove/kARfS_0cA75OrPXBHsH4tA7BxQ6ZpIVOHbCeazj-CIc/

时间：2026-11-22 10:03 UTC
操作人：ann

如果您不知情，请忽略此邮件，不会有任何改动。

-- 
账号中心 · 127.0.0.1:24799
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
      <p style="margin:0 0 20px;padding-bottom:12px;border-bottom:1px solid #c9cede;font-weight:bold;overflow-wrap:anywhere">账号中心 · 127.0.0.1:24799</p>
      
<p>fay，您好：</p>
<p>已为您发起邮箱修改，您账号的邮箱将改为此邮箱。请通过以下链接确认：</p>
<p style="margin:20px 0"><a href="http://127.0.0.1:24799/cms/resetemail/prove/kARfS_0cA75OrPXBHsH4tA7BxQ6ZpIVOHbCeazj-CIc/" style="display:inline-block;padding:12px 24px;border:1px solid #2f6fde;border-radius:8px;background-color:#2f6fde;color:#ffffff;font-weight:bold;text-decoration:none">确认新邮箱</a></p>
<p style="font-size:14px">如果按钮无法点击，请打开以下网址：<br><a href="http://127.0.0.1:24799/cms/resetemail/prove/kARfS_0cA75OrPXBHsH4tA7BxQ6ZpIVOHbCeazj-CIc/" style="color:inherit;word-break:break-all">http://127.0.0.1:24799/cms/resetemail/prove/kARfS_0cA75OrPXBHsH4tA7BxQ6ZpIVOHbCeazj-CIc/</a></p>
<p style="padding-left:12px;border-left:3px solid #8a93b0;overflow-wrap:anywhere">时间：2026-11-22 10:03 UTC<br>
操作人：ann</p>
<p>如果您不知情，请忽略此邮件，不会有任何改动。</p>

    </div>
  </body>
</html>', 'queued', '2026-11-22 10:03:52.992378+00', '2026-11-23 10:03:52.792867+00', '2026-11-26 10:03:52.792867+00', 0, NULL, '');
INSERT INTO public.mail VALUES (12, '<179534183292.24155.7280468943764820175@example.net>', 'assisted', 6, '', '', '', '', 'sent', '2026-11-22 10:03:52.925513+00', '2026-11-22 10:06:28.219654+00', '2026-11-25 10:03:52.925513+00', 1, '2026-11-22 10:03:58.289105+00', '');


--
-- Data for Name: passkey; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.passkey VALUES (1, 7, '160ee3f7d21f5bba3711c0f53ab92030bc31a0c62ed2dd2c18e4f1c2ed65b861', 'AAAAAAAAAAAAAAAAAAAAAAAgk04vz0xN7AqL47Dbz5qxax6v6nTj-ytiOcQs4Y9WSU6lAQIDJiABIVggPfUlt3n7aKVF1hYKNqNIARDxoG3qqm1Lpn64o72nu1siWCDRDjCnBPeaPRGAlvgQiApLgaCPk_5Z9tZFEfdFkPCaaw', 'hybrid internal', 'Phone', 0, '2026-11-22 10:03:10.976748+00', '2026-11-22 10:03:11.763133+00', NULL);


--
-- Data for Name: pending_sign_in; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.pending_sign_in VALUES (1, 'f71286da77d9babb79d2856d95d4ac85acb341f7d16946d0963632dded3807ba', 8, false, 1, 1, '2026-11-22 10:13:14.688059+00');


--
-- Data for Name: recovery_code; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.recovery_code VALUES (1, 7, '$argon2id$v=19$m=19456,t=2,p=1$wpizMwfwfMFGq47BzDl++Q', 'TAigKvJ31W0X0Iz2dGIvlT1dPL3Ly4YiTT5LY4HawqY', '2026-11-22 10:03:11.986067+00', NULL);
INSERT INTO public.recovery_code VALUES (2, 7, '$argon2id$v=19$m=19456,t=2,p=1$wpizMwfwfMFGq47BzDl++Q', 'pAv6QI+jQKrrkVyQo64FTfaoCuVD4zWortHmNiGjsR0', '2026-11-22 10:03:11.986067+00', NULL);
INSERT INTO public.recovery_code VALUES (3, 7, '$argon2id$v=19$m=19456,t=2,p=1$wpizMwfwfMFGq47BzDl++Q', '4nzTf6K6nIgDg+6QaUKvNFYrEE8GzS8ADocRxa2aF2o', '2026-11-22 10:03:11.986067+00', NULL);
INSERT INTO public.recovery_code VALUES (4, 7, '$argon2id$v=19$m=19456,t=2,p=1$wpizMwfwfMFGq47BzDl++Q', 'aWYvaWslS1KOiTAFVGHjCKsf03AX+JiPKUdifogTC60', '2026-11-22 10:03:11.986067+00', NULL);
INSERT INTO public.recovery_code VALUES (5, 7, '$argon2id$v=19$m=19456,t=2,p=1$wpizMwfwfMFGq47BzDl++Q', '535A7/4uM8dSQ6voL5OMdqRMC6iQDrNAxFTp29kN7E4', '2026-11-22 10:03:11.986067+00', NULL);
INSERT INTO public.recovery_code VALUES (6, 7, '$argon2id$v=19$m=19456,t=2,p=1$wpizMwfwfMFGq47BzDl++Q', 'o060OmH+dVVwGUYm7maiSX1Uelw411UkVg1tXg/4UZA', '2026-11-22 10:03:11.986067+00', NULL);
INSERT INTO public.recovery_code VALUES (7, 7, '$argon2id$v=19$m=19456,t=2,p=1$wpizMwfwfMFGq47BzDl++Q', '5uNBRxqzdY9FQO6/qSx2XLkgb4P2/zqS2wt7how4ZmE', '2026-11-22 10:03:11.986067+00', NULL);
INSERT INTO public.recovery_code VALUES (8, 7, '$argon2id$v=19$m=19456,t=2,p=1$wpizMwfwfMFGq47BzDl++Q', 'osyInxUWiIPpa29ffkjqD02aCBl9iowHtPq85jnmFGE', '2026-11-22 10:03:11.986067+00', NULL);
INSERT INTO public.recovery_code VALUES (9, 7, '$argon2id$v=19$m=19456,t=2,p=1$wpizMwfwfMFGq47BzDl++Q', 'r9Loxh0W7z57wzh7sgGoLF4mwxNfF1ZbmBg+UGogYG0', '2026-11-22 10:03:11.986067+00', NULL);
INSERT INTO public.recovery_code VALUES (10, 7, '$argon2id$v=19$m=19456,t=2,p=1$wpizMwfwfMFGq47BzDl++Q', 'GwOVYFoQ7F7p3gdq12bFY0mVoHlzsDaSovK55cANEL8', '2026-11-22 10:03:11.986067+00', NULL);
INSERT INTO public.recovery_code VALUES (11, 8, '$argon2id$v=19$m=19456,t=2,p=1$vaGX8luDt9l26HK8Jgte6g', 'FisZyhWrHu8GBFbNxiuvzmC334LfBqdUdTocBv67lcM', '2026-11-22 10:03:14.559078+00', NULL);
INSERT INTO public.recovery_code VALUES (12, 8, '$argon2id$v=19$m=19456,t=2,p=1$vaGX8luDt9l26HK8Jgte6g', 'xEGbx9MZ0ltJU+iS2IS0IBrEs6wGp1fkWmTv3HE1Lak', '2026-11-22 10:03:14.559078+00', NULL);
INSERT INTO public.recovery_code VALUES (13, 8, '$argon2id$v=19$m=19456,t=2,p=1$vaGX8luDt9l26HK8Jgte6g', '0r1qV0y1VXH/e5QT6Fg8eG+xSTk1zyaQRqedwukZW1Y', '2026-11-22 10:03:14.559078+00', NULL);
INSERT INTO public.recovery_code VALUES (14, 8, '$argon2id$v=19$m=19456,t=2,p=1$vaGX8luDt9l26HK8Jgte6g', 'VRd6kzYzzOrLQZzYeVcbqH9SxHal20aCl286eZ1d91Q', '2026-11-22 10:03:14.559078+00', NULL);
INSERT INTO public.recovery_code VALUES (15, 8, '$argon2id$v=19$m=19456,t=2,p=1$vaGX8luDt9l26HK8Jgte6g', 'Wqr6UOxRLh9Mgz+e8G1P/UnASTJwww4s0SSE1e/6mLI', '2026-11-22 10:03:14.559078+00', NULL);
INSERT INTO public.recovery_code VALUES (16, 8, '$argon2id$v=19$m=19456,t=2,p=1$vaGX8luDt9l26HK8Jgte6g', 'QPxVN3HH+FohWhF7l14vEo9ejZOkgGQDz7bcZPEXb8s', '2026-11-22 10:03:14.559078+00', NULL);
INSERT INTO public.recovery_code VALUES (17, 8, '$argon2id$v=19$m=19456,t=2,p=1$vaGX8luDt9l26HK8Jgte6g', 'W8Hd0aoAdzhe0V0pxhyv98UB5c6M0H6QSnu4S8bOX2E', '2026-11-22 10:03:14.559078+00', NULL);
INSERT INTO public.recovery_code VALUES (18, 8, '$argon2id$v=19$m=19456,t=2,p=1$vaGX8luDt9l26HK8Jgte6g', 't/wU5Io0NmdVOtXKpkYRMHpk1cJCEHUmsQYww50Vt20', '2026-11-22 10:03:14.559078+00', NULL);
INSERT INTO public.recovery_code VALUES (19, 8, '$argon2id$v=19$m=19456,t=2,p=1$vaGX8luDt9l26HK8Jgte6g', '4zKvjRJo81btgoNX/FPGk9GgTznecooJGVTjrBMGNFQ', '2026-11-22 10:03:14.559078+00', NULL);
INSERT INTO public.recovery_code VALUES (20, 8, '$argon2id$v=19$m=19456,t=2,p=1$vaGX8luDt9l26HK8Jgte6g', 'yo3l+6Jzg5t92WZi+pxFcmDiv+b0hareQkUBYsMYc+I', '2026-11-22 10:03:14.559078+00', NULL);


--
-- Name: audit_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.audit_id_seq', 29, true);

SELECT pg_catalog.setval('public.authenticator_app_id_seq', 2, true);

SELECT pg_catalog.setval('public.cms_user_id_seq', 9, true);

SELECT pg_catalog.setval('public.email_change_id_seq', 3, true);

SELECT pg_catalog.setval('public.factor_reset_id_seq', 1, true);

SELECT pg_catalog.setval('public.invitation_id_seq', 1, true);

SELECT pg_catalog.setval('public.link_id_seq', 2, true);

SELECT pg_catalog.setval('public.login_session_id_seq', 7, true);

SELECT pg_catalog.setval('public.mail_id_seq', 17, true);

SELECT pg_catalog.setval('public.passkey_id_seq', 1, true);

SELECT pg_catalog.setval('public.pending_sign_in_id_seq', 1, true);

SELECT pg_catalog.setval('public.recovery_code_id_seq', 20, true);

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT pk_audit PRIMARY KEY (id);

ALTER TABLE ONLY public.audit_tie
    ADD CONSTRAINT pk_audit_tie PRIMARY KEY (user_id);

ALTER TABLE ONLY public.authenticator_app
    ADD CONSTRAINT pk_authenticator_app PRIMARY KEY (id);

ALTER TABLE ONLY public.budget
    ADD CONSTRAINT pk_budget PRIMARY KEY (key);

ALTER TABLE ONLY public.cms_user
    ADD CONSTRAINT pk_cms_user PRIMARY KEY (id);

ALTER TABLE ONLY public.email_change
    ADD CONSTRAINT pk_email_change PRIMARY KEY (id);

ALTER TABLE ONLY public.factor_reset
    ADD CONSTRAINT pk_factor_reset PRIMARY KEY (id);

ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT pk_invitation PRIMARY KEY (id);

ALTER TABLE ONLY public.link
    ADD CONSTRAINT pk_link PRIMARY KEY (id);

ALTER TABLE ONLY public.login_session
    ADD CONSTRAINT pk_login_session PRIMARY KEY (id);

ALTER TABLE ONLY public.mail
    ADD CONSTRAINT pk_mail PRIMARY KEY (id);

ALTER TABLE ONLY public.passkey
    ADD CONSTRAINT pk_passkey PRIMARY KEY (id);

ALTER TABLE ONLY public.pending_sign_in
    ADD CONSTRAINT pk_pending_sign_in PRIMARY KEY (id);

ALTER TABLE ONLY public.recovery_code
    ADD CONSTRAINT pk_recovery_code PRIMARY KEY (id);

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

ALTER TABLE ONLY public.factor_reset
    ADD CONSTRAINT uq_factor_reset_stop_hash UNIQUE (stop_hash);

ALTER TABLE ONLY public.factor_reset
    ADD CONSTRAINT uq_factor_reset_user_id UNIQUE (user_id);

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

ALTER TABLE ONLY public.passkey
    ADD CONSTRAINT uq_passkey_credential_hash UNIQUE (credential_hash);

ALTER TABLE ONLY public.pending_sign_in
    ADD CONSTRAINT uq_pending_sign_in_token_hash UNIQUE (token_hash);

CREATE INDEX ix_audit_actor_id_at ON public.audit USING btree (actor_id, at);

CREATE INDEX ix_authenticator_app_user_id ON public.authenticator_app USING btree (user_id);

CREATE INDEX ix_budget_resets_at ON public.budget USING btree (resets_at);

CREATE INDEX ix_cms_user_created_at ON public.cms_user USING btree (created_at);

CREATE INDEX ix_cms_user_is_superuser ON public.cms_user USING btree (id) WHERE is_superuser;

CREATE INDEX ix_email_change_expires_at ON public.email_change USING btree (expires_at);

CREATE INDEX ix_email_change_is_assisted ON public.email_change USING btree (asked_at, id) WHERE is_assisted;

CREATE INDEX ix_email_change_mail_id ON public.email_change USING btree (mail_id);

CREATE INDEX ix_email_change_session_id ON public.email_change USING btree (session_id);

CREATE INDEX ix_email_change_started_by ON public.email_change USING btree (started_by);

CREATE INDEX ix_factor_reset_expires_at ON public.factor_reset USING btree (expires_at);

CREATE INDEX ix_factor_reset_started_by ON public.factor_reset USING btree (started_by);

CREATE INDEX ix_factor_reset_waiting ON public.factor_reset USING btree (expires_at) WHERE ((outcome)::text = ''::text);

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

CREATE INDEX ix_passkey_user_id ON public.passkey USING btree (user_id);

CREATE INDEX ix_pending_sign_in_expires_at ON public.pending_sign_in USING btree (expires_at);

CREATE INDEX ix_pending_sign_in_user_id ON public.pending_sign_in USING btree (user_id);

CREATE INDEX ix_recovery_code_user_id ON public.recovery_code USING btree (user_id);

CREATE UNIQUE INDEX uq_authenticator_app_confirmed ON public.authenticator_app USING btree (user_id) WHERE (confirmed_at IS NOT NULL);

CREATE UNIQUE INDEX uq_authenticator_app_unconfirmed ON public.authenticator_app USING btree (user_id) WHERE (confirmed_at IS NULL);

ALTER TABLE ONLY public.audit_tie
    ADD CONSTRAINT fk_audit_tie_user_id FOREIGN KEY (user_id) REFERENCES public.cms_user(id);

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT fk_audit_user_id FOREIGN KEY (user_id) REFERENCES public.cms_user(id);

ALTER TABLE ONLY public.authenticator_app
    ADD CONSTRAINT fk_authenticator_app_user_id FOREIGN KEY (user_id) REFERENCES public.cms_user(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.email_change
    ADD CONSTRAINT fk_email_change_mail_id FOREIGN KEY (mail_id) REFERENCES public.mail(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.email_change
    ADD CONSTRAINT fk_email_change_session_id FOREIGN KEY (session_id) REFERENCES public.login_session(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.email_change
    ADD CONSTRAINT fk_email_change_started_by FOREIGN KEY (started_by) REFERENCES public.cms_user(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.email_change
    ADD CONSTRAINT fk_email_change_user_id FOREIGN KEY (user_id) REFERENCES public.cms_user(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.factor_reset
    ADD CONSTRAINT fk_factor_reset_started_by FOREIGN KEY (started_by) REFERENCES public.cms_user(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.factor_reset
    ADD CONSTRAINT fk_factor_reset_user_id FOREIGN KEY (user_id) REFERENCES public.cms_user(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT fk_invitation_invited_by FOREIGN KEY (invited_by) REFERENCES public.cms_user(id);

ALTER TABLE ONLY public.link
    ADD CONSTRAINT fk_link_user_id FOREIGN KEY (user_id) REFERENCES public.cms_user(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.login_session
    ADD CONSTRAINT fk_login_session_user_id FOREIGN KEY (user_id) REFERENCES public.cms_user(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.mail
    ADD CONSTRAINT fk_mail_user_id FOREIGN KEY (user_id) REFERENCES public.cms_user(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.passkey
    ADD CONSTRAINT fk_passkey_user_id FOREIGN KEY (user_id) REFERENCES public.cms_user(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.pending_sign_in
    ADD CONSTRAINT fk_pending_sign_in_user_id FOREIGN KEY (user_id) REFERENCES public.cms_user(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.recovery_code
    ADD CONSTRAINT fk_recovery_code_user_id FOREIGN KEY (user_id) REFERENCES public.cms_user(id) ON DELETE CASCADE;

