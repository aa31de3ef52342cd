
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


INSERT INTO public.alembic_version VALUES ('0002');


--
-- Data for Name: audit; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.audit VALUES (1, 1, 1, 'administrator_created', 1, '2026-11-22 00:58:03.905158+00', '2026-11-22 00:58:03.905158+00', 1, '-', 'command line', '{"superuser": true}', 'd98f1ead844a4439b8efd311ee1bf9bccf0e50e25cc2e52eb6d8de9ef8b170ae');
INSERT INTO public.audit VALUES (2, 2, 1, 'administrator_created', 2, '2026-11-22 00:58:05.14583+00', '2026-11-22 00:58:05.14583+00', 1, '-', 'command line', '{"superuser": false}', '09bef588254c2535d75b86fcde19205903ffd36124ce42ebabe46d28cd880db6');
INSERT INTO public.audit VALUES (3, 3, 1, 'administrator_created', 3, '2026-11-22 00:58:07.317291+00', '2026-11-22 00:58:07.317291+00', 1, '-', 'command line', '{"superuser": false}', '068cbb5c023e8a82db793ea75493deb32df36c8374c9217ba335ffde498b1ea3');
INSERT INTO public.audit VALUES (4, 4, 1, 'administrator_created', 4, '2026-11-22 00:58:08.803702+00', '2026-11-22 00:58:08.803702+00', 1, '-', 'command line', '{"superuser": false}', 'efe87ceca187f6d195f8b5934dd23a27d946eae6ac5acf49dc7e8e403bc923a4');
INSERT INTO public.audit VALUES (5, 5, 1, 'administrator_created', 5, '2026-11-22 00:58:10.276987+00', '2026-11-22 00:58:10.276987+00', 1, '-', 'command line', '{"superuser": false}', 'b76db2941d55e2823e9b17ea23795ff45a586a88afc0f18f3048419a6590c6a0');
INSERT INTO public.audit VALUES (6, 6, 1, 'administrator_created', 6, '2026-11-22 00:58:11.719712+00', '2026-11-22 00:58:11.719712+00', 1, '-', 'command line', '{"superuser": false}', '3efd084e45568d97a96fbedf02562c89b4d87f89c3603ae6f321220cd8ee5f0e');
INSERT INTO public.audit VALUES (7, 1, 2, 'signed_in', 1, '2026-11-22 00:58:13.99662+00', '2026-11-22 00:58:13.99662+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '8be03b656fe93f9f012feaa6ebbdd5b1158a4e53fb93dd583a1d3bf5da049f04');
INSERT INTO public.audit VALUES (8, 2, 2, 'signed_in', 2, '2026-11-22 00:58:14.063516+00', '2026-11-22 00:58:14.063516+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '2ef6507e4e78be0263341aa2b9b66c02dce06b68ad4b392a9d19f7f056cc1f2c');
INSERT INTO public.audit VALUES (9, 3, 2, 'signed_in', 3, '2026-11-22 00:58:14.113043+00', '2026-11-22 00:58:14.113043+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '65832f72b681ef3afe21fbae5680537a79596493df6f39401ad2d915e44c18bf');
INSERT INTO public.audit VALUES (10, 5, 2, 'signed_in', 5, '2026-11-22 00:58:14.156197+00', '2026-11-22 00:58:14.156197+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '51055671d56c9e8c37293eb8c49d8f0048e829156f69d5dfcfc5c0bc73eca8ee');
INSERT INTO public.audit VALUES (11, 3, 3, 'code_requested', 3, '2026-11-22 00:58:14.218576+00', '2026-11-22 00:58:14.218576+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "carol.new@example.com"}', '88f68b1d68b93b02fc90e05ad0852caed7d573fa0383ae36c1994b4ee2abb8fd');
INSERT INTO public.audit VALUES (12, 3, 4, 'code_wrong', 3, '2026-11-22 00:58:15.760699+00', '2026-11-22 00:58:15.760699+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "carol.new@example.com"}', 'bdc434b330f151bfd1aa713de6356e1b74ac00b80e02521995db0541315cb42a');
INSERT INTO public.audit VALUES (13, 3, 5, 'email_changed', 3, '2026-11-22 00:58:15.772825+00', '2026-11-22 00:58:15.772825+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"new": "carol.new@example.com", "old": "carol@example.com"}', '2b07cfb8050ac5d333ba3735e6a4a4b76cac7801fb6c955d9dd7fe9aadc6e366');
INSERT INTO public.audit VALUES (14, 2, 3, 'code_requested', 2, '2026-11-22 00:58:17.164132+00', '2026-11-22 00:58:17.164132+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "bob.new@example.com"}', 'd65666f468daf4f570006bfe6e7af08765f4dc0c32f12e1cc0a5d654f62bab24');
INSERT INTO public.audit VALUES (15, 2, 4, 'code_wrong', 2, '2026-11-22 00:58:18.712504+00', '2026-11-22 00:58:18.712504+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "bob.new@example.com"}', '418dfb6215e5373a38e2b969faa4b8d113e85dd20448785df04ced9c5de1ee22');
INSERT INTO public.audit VALUES (16, 1, 3, 'invitation_sent', 1, '2026-11-22 00:58:20.100665+00', '2026-11-22 00:58:20.100665+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "gus@example.com", "superuser": false}', 'fee32c74486bb8158b2e80da530d79ecc0b664dc9c3044f4da871bcb26de3958');
INSERT INTO public.audit VALUES (17, 6, 2, 'change_started', 1, '2026-11-22 00:58:21.420296+00', '2026-11-22 00:58:21.420296+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"by": "ann", "email": "fay.new@example.com", "reason": "lost her mailbox"}', '44d48a5374e65af8a28c95887cae4e5b9c7ca960f55691b73be6784c2d0f0e7e');
INSERT INTO public.audit VALUES (18, 5, 3, 'sign_in_failed', 5, '2026-11-22 00:58:21.477496+00', '2026-11-22 00:58:21.567738+00', 3, '127.0.0.1', 'Chrome 156, Linux', '{}', 'e69f6366c0072bc05558bf801f61c72920bb129b5e597f4fd3f1176f93125f51');
INSERT INTO public.audit VALUES (19, 5, 4, 'signed_out', 5, '2026-11-22 00:58:21.589814+00', '2026-11-22 00:58:21.589814+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', 'f46f5048caefa58d41820a05d97f2cf3140943524b6433ef83f9a1df8d7313ec');


--
-- Data for Name: budget; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.budget VALUES ('2473c4d9ad1cd8e2779b13295bba09a8487b72b57daf50f3dc21580436ef0fcf', 1, '2026-11-22 00:58:14.188368+00', '2026-11-22 01:58:14.188368+00');
INSERT INTO public.budget VALUES ('4d52d9181fbecfde1d766b282dcbaee9baf05cb04ac36c518732dafaf34ff2e5', 1, '2026-11-22 00:58:14.188368+00', '2026-11-22 01:58:14.188368+00');
INSERT INTO public.budget VALUES ('0c938d5a29069cb229fc7ed3880b5c4aef52721bda6d9ead5f72edd3716cde15', 2, '2026-11-22 00:58:15.772284+00', '2026-11-23 00:58:15.75949+00');
INSERT INTO public.budget VALUES ('2beefded8416fa255543a5a93bc420c16fa09e175b428f7a8346660d9a1bea66', 1, '2026-11-22 00:58:17.158475+00', '2026-11-22 01:58:17.158475+00');
INSERT INTO public.budget VALUES ('dae428aad6b057aa354b438cded2fb1f9f751241e07ea2b6cfd114e1a72a0bbc', 2, '2026-11-22 00:58:17.158475+00', '2026-11-22 01:58:14.188368+00');
INSERT INTO public.budget VALUES ('f93053a5efb0f6a56d39b909e33035986c106896a08d32b2c8f9bc5ea6a60e46', 1, '2026-11-22 00:58:17.158475+00', '2026-11-22 01:58:17.158475+00');
INSERT INTO public.budget VALUES ('82f509c0124e30f87d49ec82f74ebca65a372fb8c5064da17184aab721e675c1', 1, '2026-11-22 00:58:18.711644+00', '2026-11-23 00:58:18.711644+00');
INSERT INTO public.budget VALUES ('ae32f60042d346b17fc9d7850f725f342f2030863d1830420e2d8a8541ec0ea2', 1, '2026-11-22 00:58:20.08963+00', '2026-11-22 01:58:20.08963+00');


--
-- Data for Name: cms_user; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.cms_user VALUES (2, 'bob', 'bob', 'bob@example.com', 'bob@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$gjisC2LQBMo1VuZH76cI0A$Aqqvl7x/P5k7E9Ys7A2eCuuDCD33H5uaDysp4TDZFJo', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 00:58:05.141938+00', '2026-11-22 00:58:18.708808+00', NULL, 4, '418dfb6215e5373a38e2b969faa4b8d113e85dd20448785df04ced9c5de1ee22');
INSERT INTO public.cms_user VALUES (4, 'dan', 'dan', 'dan@example.com', 'dan@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$LgNhdvf3WhFNtMCLeWH36g$Ofc2fsz0cmjoKSRdezRDXAxdYXZcssEdem0HQhvY5tA', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 00:58:08.798284+00', '2026-11-22 00:58:08.798284+00', NULL, 1, 'efe87ceca187f6d195f8b5934dd23a27d946eae6ac5acf49dc7e8e403bc923a4');
INSERT INTO public.cms_user VALUES (1, 'ann', 'ann', 'ann@example.com', 'ann@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$9/Kug/rKdT1o1wv2e2ivWg$b4qG3XB7NPUbRfdIvH8hEUdlLkP+H885ZAyNltVsSss', true, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 00:58:03.900904+00', '2026-11-22 00:58:21.389712+00', NULL, 3, 'fee32c74486bb8158b2e80da530d79ecc0b664dc9c3044f4da871bcb26de3958');
INSERT INTO public.cms_user VALUES (6, 'fay', 'fay', 'fay@example.com', 'fay@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$YCX0huorhuoAeCNvFa9XYQ$uYvSTJRRFxH0wjyQ49g+KYdLb/UDV8QZglvXSBFl7pQ', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 00:58:11.715194+00', '2026-11-22 00:58:21.390841+00', NULL, 2, '44d48a5374e65af8a28c95887cae4e5b9c7ca960f55691b73be6784c2d0f0e7e');
INSERT INTO public.cms_user VALUES (3, 'carol', 'carol', 'carol.new@example.com', 'carol.new@example.com', 2, '$argon2id$v=19$m=19456,t=2,p=1$fHW6xOMPO+DJheafY/IycA$KtHykoGIsxeLe+Y38cJI/SShamnabmT74+pZfDvo8XQ', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 00:58:07.311912+00', '2026-11-22 00:58:15.770835+00', NULL, 5, '2b07cfb8050ac5d333ba3735e6a4a4b76cac7801fb6c955d9dd7fe9aadc6e366');
INSERT INTO public.cms_user VALUES (5, 'eve', 'eve', 'eve@example.com', 'eve@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$+VYib6E4Ufr/p8/tr/tFLQ$FGws6Qtu2Qp8coJQroxGoYgn+Yl4G/6qTHwpNiLdsu0', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 00:58:10.272681+00', '2026-11-22 00:58:21.587315+00', NULL, 4, 'f46f5048caefa58d41820a05d97f2cf3140943524b6433ef83f9a1df8d7313ec');


--
-- Data for Name: email_change; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.email_change VALUES (2, 2, 2, 4, 'bob.new@example.com', 'bob.new@example.com', 1, '9d63bfe86a34ab3e968091a1af8f7b63', NULL, '01d88475a22dcc757b45603468772a325705e702900eaa10255c5450ba94d50c', '2026-11-22 00:58:17.159362+00', '2026-11-22 01:08:17.159362+00', 1, false, true);
INSERT INTO public.email_change VALUES (3, 6, NULL, 8, 'fay.new@example.com', 'fay.new@example.com', 1, '', NULL, '4ccfc690270e5f0a5db7075ce067fbdd3f06038170b9f43d691c51fb3cca976c', '2026-11-22 00:58:21.392541+00', '2026-11-26 00:58:21.392541+00', 0, false, false);


--
-- Data for Name: invitation; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.invitation VALUES (1, 'fdbd7a4bdf2fe8436610435100a0107c052f27285077a7ffb33e4f63cf78fc6e', 'gus@example.com', 'gus@example.com', false, 1, '2026-11-22 00:58:20.090141+00', '2026-11-25 00:58:20.090141+00');


--
-- Data for Name: link; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.link VALUES (1, '0885bbdd328d2c46a20131ce395ff0336dc8ec22dfe9c5fbc3f53c5a95506769', 'undo', 3, 'carol@example.com', 'carol@example.com', 2, '2026-11-22 00:58:15.775644+00', '2026-11-29 00:58:15.775644+00', NULL);
INSERT INTO public.link VALUES (2, '1e23c75bcd7deec4fd4298e88cecd44566c8cc36ad606eafaa0c3657955d2c41', 'prove', 6, 'fay.new@example.com', 'fay.new@example.com', 1, '2026-11-22 00:58:21.394528+00', '2026-11-26 00:58:21.394528+00', NULL);


--
-- Data for Name: login_session; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.login_session VALUES (1, '20c5f94d9ef996ed2f8a3e664f5084f07470d28412d029bd7c572d33f388604f', 1, false, '2026-11-22 00:58:13.996376+00', '2026-11-22 00:58:13.996376+00', '2026-11-22 00:58:13.996376+00', '127.0.0.1', 'Chrome 156, Linux');
INSERT INTO public.login_session VALUES (2, '13ed36b57aa20fa812d90c97f6fb85191014cdd5ef6545d3a4660118b91e4dd7', 2, false, '2026-11-22 00:58:14.063297+00', '2026-11-22 00:58:14.063297+00', '2026-11-22 00:58:14.063297+00', '127.0.0.1', 'Chrome 156, Linux');
INSERT INTO public.login_session VALUES (3, 'b3f827c666b08fed1f6e63ebe270352eccfdf75653b864f8123efd3db9bb7380', 3, false, '2026-11-22 00:58:14.112851+00', '2026-11-22 00:58:14.112851+00', '2026-11-22 00:58:14.112851+00', '127.0.0.1', 'Chrome 156, Linux');


--
-- Data for Name: mail; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.mail VALUES (1, '<179530909420.31890.12800809985258207986@example.net>', 'code', 3, 'carol.new@example.com', '', '', '', 'sent', '2026-11-22 00:58:14.202709+00', '2026-11-22 01:00:45.192382+00', '2026-11-22 01:08:14.190598+00', 1, '2026-11-22 00:58:15.23932+00', '');
INSERT INTO public.mail VALUES (2, '<179530909421.31890.17665777267579368264@example.net>', 'heads_up', 3, 'carol@example.com', '', '', '', 'sent', '2026-11-22 00:58:14.212908+00', '2026-11-22 01:00:45.244674+00', '2026-11-22 01:08:14.205977+00', 1, '2026-11-22 00:58:15.272062+00', '');
INSERT INTO public.mail VALUES (3, '<179530909578.31890.3032327523361006140@example.net>', 'changed', 3, 'carol@example.com', '', '', '', 'sent', '2026-11-22 00:58:15.782603+00', '2026-11-22 01:00:46.712362+00', '2026-11-25 00:58:15.782603+00', 1, '2026-11-22 00:58:16.75199+00', '');
INSERT INTO public.mail VALUES (5, '<179530909716.31890.3690104996235456333@example.net>', 'heads_up', 2, 'bob@example.com', '', '', '', 'sent', '2026-11-22 00:58:17.162964+00', '2026-11-22 01:00:48.312809+00', '2026-11-22 01:08:17.162303+00', 1, '2026-11-22 00:58:18.328837+00', '');
INSERT INTO public.mail VALUES (6, '<179530910009.31890.5098536110011385527@example.net>', 'invitation', 1, 'gus@example.com', '', '', '', 'sent', '2026-11-22 00:58:20.096681+00', '2026-11-22 01:00:50.996013+00', '2026-11-25 00:58:20.090141+00', 1, '2026-11-22 00:58:21.044449+00', '');
INSERT INTO public.mail VALUES (4, '<179530909716.31890.1086677956648202579@example.net>', 'code', 2, 'bob.new@example.com', '', '', '', 'sent', '2026-11-22 00:58:17.161546+00', '2026-11-22 01:00:48.238532+00', '2026-11-22 01:08:17.159362+00', 1, '2026-11-22 00:58:18.307392+00', '');
INSERT INTO public.mail VALUES (8, '<179530910141.31890.11247646961750408817@example.net>', 'assisted_proof', 6, 'fay.new@example.com', '请确认您的新邮箱', 'fay，您好：

另一位管理员为您发起了邮箱修改，新邮箱即此邮箱。请用此链接完成修改：

http://127.0.0.1:32087/cms/resetemail/prove/6BgA9x8hWnTN6cKqdHZWmbcUR1MPr2u_eyEteVjFjOo/

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
<p style="word-break:break-all"><a href="http://127.0.0.1:32087/cms/resetemail/prove/6BgA9x8hWnTN6cKqdHZWmbcUR1MPr2u_eyEteVjFjOo/">http://127.0.0.1:32087/cms/resetemail/prove/6BgA9x8hWnTN6cKqdHZWmbcUR1MPr2u_eyEteVjFjOo/</a></p>
<p>操作人：ann</p>
<p>如果您不知情，请忽略此邮件，不会有任何改动。</p>

    </div>
  </body>
</html>', 'queued', '2026-11-22 00:58:21.416963+00', '2026-11-23 00:58:21.392541+00', '2026-11-26 00:58:21.392541+00', 0, NULL, '');
INSERT INTO public.mail VALUES (7, '<179530910140.31890.17001138076647359114@example.net>', 'assisted', 6, 'fay@example.com', '', '', '', 'sent', '2026-11-22 00:58:21.408316+00', '2026-11-22 01:00:52.541843+00', '2026-11-25 00:58:21.408316+00', 1, '2026-11-22 00:58:22.578262+00', '');
INSERT INTO public.mail VALUES (9, '<179530910299.31891.17392521670964150617@example.net>', 'errand:password_link', NULL, 'dan@example.com', '', '{"where": {"network": "127.0.0.1", "browser": "Chrome 156, Linux", "site": "http://127.0.0.1:32087"}, "language": "zh"}', '', 'queued', '2026-11-22 00:58:22.993031+00', '2026-11-22 00:58:22.993031+00', '2026-11-25 00:58:22.993031+00', 0, NULL, '');


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

CREATE INDEX ix_email_change_expires_at ON public.email_change USING btree (expires_at);

CREATE INDEX ix_email_change_mail_id ON public.email_change USING btree (mail_id);

CREATE INDEX ix_email_change_session_id ON public.email_change USING btree (session_id);

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

