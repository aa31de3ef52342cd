
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
    chain character varying(64) NOT NULL
);

CREATE SEQUENCE public.audit_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.audit_id_seq OWNED BY public.audit.id;

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
    audit_chain character varying(64) NOT NULL
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
    old_proved boolean NOT NULL
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
    ended_at timestamp with time zone
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
    browser character varying(200) NOT NULL
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


INSERT INTO public.alembic_version VALUES ('0001');


--
-- Data for Name: audit; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.audit VALUES (1, 1, 1, 'administrator_created', 1, '2026-11-22 01:08:39.535282+00', '2026-11-22 01:08:39.535282+00', 1, '-', 'command line', '{"superuser": true}', '001c0325ac385c4054772b944b7f349aeaf4a906ce673039523068b9049452f4');
INSERT INTO public.audit VALUES (2, 2, 1, 'administrator_created', 2, '2026-11-22 01:08:41.100925+00', '2026-11-22 01:08:41.100925+00', 1, '-', 'command line', '{"superuser": false}', '662053f33ff8fcf1844fc13c17a583bb1f1cc6bcdb1f633725668613055b24e2');
INSERT INTO public.audit VALUES (3, 3, 1, 'administrator_created', 3, '2026-11-22 01:08:43.591857+00', '2026-11-22 01:08:43.591857+00', 1, '-', 'command line', '{"superuser": false}', '2899462d6e35b1ef4fa146d3c73e577a93b647f05126424f7f40c6246f6d99b6');
INSERT INTO public.audit VALUES (4, 4, 1, 'administrator_created', 4, '2026-11-22 01:08:46.61814+00', '2026-11-22 01:08:46.61814+00', 1, '-', 'command line', '{"superuser": false}', 'a6a06c7b9e098f417fd63a8308c9c547b7dd16a71f5085803384704962d5ab8c');
INSERT INTO public.audit VALUES (5, 5, 1, 'administrator_created', 5, '2026-11-22 01:08:50.145287+00', '2026-11-22 01:08:50.145287+00', 1, '-', 'command line', '{"superuser": false}', 'fd57420c925e703379bd31ddbfeb42a00475ec28a3f2c7c965d2a48b5f21c4e2');
INSERT INTO public.audit VALUES (6, 6, 1, 'administrator_created', 6, '2026-11-22 01:08:51.899049+00', '2026-11-22 01:08:51.899049+00', 1, '-', 'command line', '{"superuser": false}', '4c3dbf86b5d4b11ec3130151a33522ba1b363150fc0ec3c42d473302e5cd4bd7');
INSERT INTO public.audit VALUES (7, 1, 2, 'signed_in', 1, '2026-11-22 01:08:55.623964+00', '2026-11-22 01:08:55.623964+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '9b5c99cfec70f727e45667f7f73c6e8a48ae8571e42550927f2d104d7f59f8ca');
INSERT INTO public.audit VALUES (8, 2, 2, 'signed_in', 2, '2026-11-22 01:08:55.704703+00', '2026-11-22 01:08:55.704703+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '23242d434851e62059510da281795ac88eeb722b910e01b96a0398aa52981c61');
INSERT INTO public.audit VALUES (9, 3, 2, 'signed_in', 3, '2026-11-22 01:08:55.757961+00', '2026-11-22 01:08:55.757961+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', 'ca972938eae4f9a872f8b4044030a5c9ac4b01a633c662744bcd4f94254baf6c');
INSERT INTO public.audit VALUES (10, 5, 2, 'signed_in', 5, '2026-11-22 01:08:55.805231+00', '2026-11-22 01:08:55.805231+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '20bf8a118313bccb34d4e9afa216a7b89c2ebed1e0ca7720e70f1b8597f0178a');
INSERT INTO public.audit VALUES (11, 3, 3, 'code_requested', 3, '2026-11-22 01:08:55.895496+00', '2026-11-22 01:08:55.895496+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "carol.new@example.com"}', '7924b190b823d8165c6915e93f0e0c8f3e2d6f21453f7c4cf394565785ea4294');
INSERT INTO public.audit VALUES (12, 3, 4, 'code_wrong', 3, '2026-11-22 01:08:58.979464+00', '2026-11-22 01:08:58.979464+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "carol.new@example.com"}', '36951c2ecc67d65784b41722fc8f2ed8b9e82a7a224065c04c64f9d5bf80c296');
INSERT INTO public.audit VALUES (13, 3, 5, 'email_changed', 3, '2026-11-22 01:08:59.013085+00', '2026-11-22 01:08:59.013085+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"new": "carol.new@example.com", "old": "carol@example.com"}', 'c4780a772d4d869d6e62d08fc736161cc5e217119039e503ce6b0b4dace16918');
INSERT INTO public.audit VALUES (14, 2, 3, 'code_requested', 2, '2026-11-22 01:09:02.794965+00', '2026-11-22 01:09:02.794965+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "bob.new@example.com"}', '143965008f9829c1e2bb1a55541a4e103631341145ac9c21e398f5e3aa042a0a');
INSERT INTO public.audit VALUES (15, 2, 4, 'code_wrong', 2, '2026-11-22 01:09:06.729596+00', '2026-11-22 01:09:06.729596+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "bob.new@example.com"}', 'b998366e0e2c43a0b5663542e9584fc0a23df8c52a489fd3dc55eeb3a1cb45ec');
INSERT INTO public.audit VALUES (16, 1, 3, 'invitation_sent', 1, '2026-11-22 01:09:13.595647+00', '2026-11-22 01:09:13.595647+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "gus@example.com", "superuser": false}', '6691407a14661067f205968548099ef60997d71b025ea2193dfb19fdf27612e8');
INSERT INTO public.audit VALUES (17, 6, 2, 'change_started', 1, '2026-11-22 01:09:19.186136+00', '2026-11-22 01:09:19.186136+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"by": "ann", "email": "fay.new@example.com", "reason": "lost her mailbox"}', '3919e6730928533eee62828ba0e81698f51fec6e505d738853382d892ee7a5dc');
INSERT INTO public.audit VALUES (18, 5, 3, 'sign_in_failed', 5, '2026-11-22 01:09:19.286643+00', '2026-11-22 01:09:19.968305+00', 3, '127.0.0.1', 'Chrome 156, Linux', '{}', 'dc968ff89f8e9dabf6dceab48418984d8747ac0258dabbcd7dd3c7f9827a47e3');
INSERT INTO public.audit VALUES (19, 5, 4, 'signed_out', 5, '2026-11-22 01:09:20.038957+00', '2026-11-22 01:09:20.038957+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '2e3c420c7212841f379a904ad82ea01ae1f0e4e716e5972ce7fb9aef1537764c');


--
-- Data for Name: budget; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.budget VALUES ('2473c4d9ad1cd8e2779b13295bba09a8487b72b57daf50f3dc21580436ef0fcf', 1, '2026-11-22 01:08:55.845407+00', '2026-11-22 02:08:55.845407+00');
INSERT INTO public.budget VALUES ('4d52d9181fbecfde1d766b282dcbaee9baf05cb04ac36c518732dafaf34ff2e5', 1, '2026-11-22 01:08:55.845407+00', '2026-11-22 02:08:55.845407+00');
INSERT INTO public.budget VALUES ('0c938d5a29069cb229fc7ed3880b5c4aef52721bda6d9ead5f72edd3716cde15', 2, '2026-11-22 01:08:59.012389+00', '2026-11-23 01:08:58.975524+00');
INSERT INTO public.budget VALUES ('2beefded8416fa255543a5a93bc420c16fa09e175b428f7a8346660d9a1bea66', 1, '2026-11-22 01:09:02.751642+00', '2026-11-22 02:09:02.751642+00');
INSERT INTO public.budget VALUES ('dae428aad6b057aa354b438cded2fb1f9f751241e07ea2b6cfd114e1a72a0bbc', 2, '2026-11-22 01:09:02.751642+00', '2026-11-22 02:08:55.845407+00');
INSERT INTO public.budget VALUES ('f93053a5efb0f6a56d39b909e33035986c106896a08d32b2c8f9bc5ea6a60e46', 1, '2026-11-22 01:09:02.751642+00', '2026-11-22 02:09:02.751642+00');
INSERT INTO public.budget VALUES ('82f509c0124e30f87d49ec82f74ebca65a372fb8c5064da17184aab721e675c1', 1, '2026-11-22 01:09:06.728893+00', '2026-11-23 01:09:06.728893+00');
INSERT INTO public.budget VALUES ('ae32f60042d346b17fc9d7850f725f342f2030863d1830420e2d8a8541ec0ea2', 1, '2026-11-22 01:09:13.565615+00', '2026-11-22 02:09:13.565615+00');


--
-- Data for Name: cms_user; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.cms_user VALUES (2, 'bob', 'bob', 'bob@example.com', 'bob@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$Qh3dcicsWkKlM1dgGJJrDA$12lj8Nif3MidxF2SNmdNtKa7oO/UflHMhH+0sfVk7so', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 01:08:41.095682+00', '2026-11-22 01:09:06.726874+00', NULL, 4, 'b998366e0e2c43a0b5663542e9584fc0a23df8c52a489fd3dc55eeb3a1cb45ec');
INSERT INTO public.cms_user VALUES (4, 'dan', 'dan', 'dan@example.com', 'dan@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$Vexs9SRuhqUG6FDWph7QgQ$/b5ecICxmX8dlSlI5n3z/38ee2ObPnkUbbg8/01SxI0', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 01:08:46.605507+00', '2026-11-22 01:08:46.605507+00', NULL, 1, 'a6a06c7b9e098f417fd63a8308c9c547b7dd16a71f5085803384704962d5ab8c');
INSERT INTO public.cms_user VALUES (1, 'ann', 'ann', 'ann@example.com', 'ann@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$3WxSdTvEjGlXB8kpKgNN+w$azuHs/Tzd9X5IEBVAXz0LDHL6srGUFpdLQrX6HT0pKg', true, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 01:08:39.531095+00', '2026-11-22 01:09:19.089982+00', NULL, 3, '6691407a14661067f205968548099ef60997d71b025ea2193dfb19fdf27612e8');
INSERT INTO public.cms_user VALUES (6, 'fay', 'fay', 'fay@example.com', 'fay@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$DCxHrorgR0FL4rpJaGRoCw$mBD5nu0rgWH6hA6mxJc+hH+D0ytlHUdVfveHNrNcfW8', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 01:08:51.893194+00', '2026-11-22 01:09:19.098933+00', NULL, 2, '3919e6730928533eee62828ba0e81698f51fec6e505d738853382d892ee7a5dc');
INSERT INTO public.cms_user VALUES (3, 'carol', 'carol', 'carol.new@example.com', 'carol.new@example.com', 2, '$argon2id$v=19$m=19456,t=2,p=1$bFsM/9KA5HBe+m+PY1P7jg$NBhxnx7gJsoY5uVKFzdrok9Lx8oSl9IfjtQd7Hfq+90', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 01:08:43.581684+00', '2026-11-22 01:08:59.006387+00', NULL, 5, 'c4780a772d4d869d6e62d08fc736161cc5e217119039e503ce6b0b4dace16918');
INSERT INTO public.cms_user VALUES (5, 'eve', 'eve', 'eve@example.com', 'eve@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$ML2uY7+mo67ov3xwH94xSw$CmLnIhJSVTTaxkN5SwRDHccg7pD4pUILDJO9j77alqQ', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 01:08:50.139828+00', '2026-11-22 01:09:20.024163+00', NULL, 4, '2e3c420c7212841f379a904ad82ea01ae1f0e4e716e5972ce7fb9aef1537764c');


--
-- Data for Name: email_change; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.email_change VALUES (2, 2, 2, 4, 'bob.new@example.com', 'bob.new@example.com', 1, 'a382d69154ce1a0cc7d596106d409ce2', NULL, 'be602aa8bb6927b089f061cb2ec19291547dded94bc5c097235664d6d8cf7979', '2026-11-22 01:09:02.759188+00', '2026-11-22 01:19:02.759188+00', 1, false, true);
INSERT INTO public.email_change VALUES (3, 6, NULL, 8, 'fay.new@example.com', 'fay.new@example.com', 1, '', NULL, '6ae8c8b92552df98b538b7df468a3ff620b19cfc46c15868a056205d17b30bd8', '2026-11-22 01:09:19.106989+00', '2026-11-26 01:09:19.106989+00', 0, false, false);


--
-- Data for Name: invitation; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.invitation VALUES (1, '2e89ccd79b3d6da75c96b9b57955f7cee9108d8ff5a2a10b46778e818a950c3e', 'gus@example.com', 'gus@example.com', false, 1, '2026-11-22 01:09:13.566116+00', '2026-11-25 01:09:13.566116+00');


--
-- Data for Name: link; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.link VALUES (1, '44e7dc86a0e2238d96cfbe068445702efd9257551f160e7899540d33dd3f59eb', 'undo', 3, 'carol@example.com', 'carol@example.com', 2, '2026-11-22 01:08:59.021956+00', '2026-11-29 01:08:59.021956+00', NULL);
INSERT INTO public.link VALUES (2, '33b40aa8f1e38b1dbfc31d4d6288a24d30e0117f4d1a7e6878da17537ffc417d', 'prove', 6, 'fay.new@example.com', 'fay.new@example.com', 1, '2026-11-22 01:09:19.111352+00', '2026-11-26 01:09:19.111352+00', NULL);


--
-- Data for Name: login_session; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.login_session VALUES (1, 'f845ac0d6a3a56bf7d5dc917f8e1a6f8c807b25b1d6c3e8459b44993b0b4e3f2', 1, false, '2026-11-22 01:08:55.623722+00', '2026-11-22 01:08:55.623722+00', '2026-11-22 01:08:55.623722+00', '127.0.0.1', 'Chrome 156, Linux');
INSERT INTO public.login_session VALUES (2, '466f43c701cfd07167ac7e3734c9ef8126be32851e9418465d70626ee2c8f5ec', 2, false, '2026-11-22 01:08:55.704435+00', '2026-11-22 01:08:55.704435+00', '2026-11-22 01:08:55.704435+00', '127.0.0.1', 'Chrome 156, Linux');
INSERT INTO public.login_session VALUES (3, '03a6e5a3190af8186923f4901ed30b0490bd2cfee853a5433dba210d7bcd2c87', 3, false, '2026-11-22 01:08:55.757719+00', '2026-11-22 01:08:55.757719+00', '2026-11-22 01:08:55.757719+00', '127.0.0.1', 'Chrome 156, Linux');


--
-- Data for Name: mail; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.mail VALUES (1, '<179530973586.18130.2378355085695607588@example.net>', 'code', 3, 'carol.new@example.com', '', '', '', 'sent', '2026-11-22 01:08:55.862076+00', '2026-11-22 01:11:27.717655+00', '2026-11-22 01:18:55.849594+00', 1, '2026-11-22 01:08:57.815606+00', '');
INSERT INTO public.mail VALUES (2, '<179530973587.18130.17766108406420035713@example.net>', 'heads_up', 3, 'carol@example.com', '', '', '', 'sent', '2026-11-22 01:08:55.870361+00', '2026-11-22 01:11:27.821631+00', '2026-11-22 01:18:55.865041+00', 1, '2026-11-22 01:08:57.847003+00', '');
INSERT INTO public.mail VALUES (3, '<179530973903.18130.15112669752253856786@example.net>', 'changed', 3, 'carol@example.com', '', '', '', 'sent', '2026-11-22 01:08:59.034278+00', '2026-11-22 01:11:31.312264+00', '2026-11-25 01:08:59.034278+00', 1, '2026-11-22 01:09:01.447374+00', '');
INSERT INTO public.mail VALUES (5, '<179530974278.18130.504914560216372868@example.net>', 'heads_up', 2, 'bob@example.com', '', '', '', 'sent', '2026-11-22 01:09:02.783955+00', '2026-11-22 01:11:35.336209+00', '2026-11-22 01:19:02.783099+00', 1, '2026-11-22 01:09:05.350702+00', '');
INSERT INTO public.mail VALUES (6, '<179530975357.18130.8033172175161225729@example.net>', 'invitation', 1, 'gus@example.com', '', '', '', 'sent', '2026-11-22 01:09:13.57676+00', '2026-11-22 01:11:47.357004+00', '2026-11-25 01:09:13.566116+00', 1, '2026-11-22 01:09:17.55559+00', '');
INSERT INTO public.mail VALUES (4, '<179530974277.18130.659156572557712124@example.net>', 'code', 2, 'bob.new@example.com', '', '', '', 'sent', '2026-11-22 01:09:02.776372+00', '2026-11-22 01:11:35.242551+00', '2026-11-22 01:19:02.759188+00', 1, '2026-11-22 01:09:05.326348+00', '');
INSERT INTO public.mail VALUES (8, '<179530975916.18130.12747749825093853043@example.net>', 'assisted_proof', 6, 'fay.new@example.com', '请确认您的新邮箱', 'fay，您好：

另一位管理员为您发起了邮箱修改，新邮箱即此邮箱。请用此链接完成修改：

http://127.0.0.1:26995/cms/resetemail/prove/s215m5Z930w98blX8UV707_3PVv2CcVHPbttoenEhMU/

操作人：ann

如果您不知情，请忽略此邮件，不会有任何改动。
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
      <p style="margin:0 0 20px;padding-bottom:12px;border-bottom:1px solid #c9cede;font-weight:bold">账号中心</p>
      
<p>fay，您好：</p>
<p>另一位管理员为您发起了邮箱修改，新邮箱即此邮箱。请用此链接完成修改：</p>
<p style="word-break:break-all"><a href="http://127.0.0.1:26995/cms/resetemail/prove/s215m5Z930w98blX8UV707_3PVv2CcVHPbttoenEhMU/">http://127.0.0.1:26995/cms/resetemail/prove/s215m5Z930w98blX8UV707_3PVv2CcVHPbttoenEhMU/</a></p>
<p>操作人：ann</p>
<p>如果您不知情，请忽略此邮件，不会有任何改动。</p>

    </div>
  </body>
</html>', 'queued', '2026-11-22 01:09:19.166547+00', '2026-11-23 01:09:19.106989+00', '2026-11-26 01:09:19.106989+00', 0, NULL, '');
INSERT INTO public.mail VALUES (7, '<179530975914.18130.16024738693787292214@example.net>', 'assisted', 6, 'fay@example.com', '', '', '', 'sent', '2026-11-22 01:09:19.140919+00', '2026-11-22 01:11:55.979781+00', '2026-11-25 01:09:19.140919+00', 1, '2026-11-22 01:09:26.206981+00', '');
INSERT INTO public.mail VALUES (9, '<179530976838.18131.5151645370757212175@example.net>', 'errand:password_link', NULL, 'dan@example.com', '', '{"where": {"network": "127.0.0.1", "browser": "Chrome 156, Linux", "site": "http://127.0.0.1:26995"}, "language": "zh"}', '', 'queued', '2026-11-22 01:09:28.389983+00', '2026-11-22 01:09:28.389983+00', '2026-11-25 01:09:28.389983+00', 0, NULL, '');


--
-- Name: audit_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.audit_id_seq', 19, true);

SELECT pg_catalog.setval('public.cms_user_id_seq', 6, true);

SELECT pg_catalog.setval('public.email_change_id_seq', 3, true);

SELECT pg_catalog.setval('public.invitation_id_seq', 1, true);

SELECT pg_catalog.setval('public.link_id_seq', 2, true);

SELECT pg_catalog.setval('public.login_session_id_seq', 4, true);

SELECT pg_catalog.setval('public.mail_id_seq', 9, true);

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT pk_audit PRIMARY KEY (id);

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

CREATE INDEX ix_budget_resets_at ON public.budget USING btree (resets_at);

CREATE INDEX ix_cms_user_created_at ON public.cms_user USING btree (created_at);

CREATE INDEX ix_email_change_session_id ON public.email_change USING btree (session_id);

CREATE INDEX ix_link_email_key ON public.link USING btree (email_key);

CREATE INDEX ix_link_user_id_purpose ON public.link USING btree (user_id, purpose);

CREATE INDEX ix_login_session_user_id ON public.login_session USING btree (user_id);

CREATE INDEX ix_mail_state_due_at ON public.mail USING btree (state, due_at);

CREATE INDEX ix_mail_user_id ON public.mail USING btree (user_id);

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT fk_audit_user_id FOREIGN KEY (user_id) REFERENCES public.cms_user(id);

ALTER TABLE ONLY public.email_change
    ADD CONSTRAINT fk_email_change_mail_id FOREIGN KEY (mail_id) REFERENCES public.mail(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.email_change
    ADD CONSTRAINT fk_email_change_session_id FOREIGN KEY (session_id) REFERENCES public.login_session(id) ON DELETE CASCADE;

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

