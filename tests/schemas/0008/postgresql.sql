
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

INSERT INTO public.audit VALUES (1, 1, 1, 'administrator_created', NULL, '2026-11-22 06:56:03.393089+00', '2026-11-22 06:56:03.393089+00', 1, '-', 'command line', '{"superuser": true}', 'ca7da021ff34e156bc2ef4a3ff2be2a17873a2cdc2913c3cb8ef5d5a0552f8e4', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (2, 2, 1, 'administrator_created', NULL, '2026-11-22 06:56:05.083961+00', '2026-11-22 06:56:05.083961+00', 1, '-', 'command line', '{"superuser": false}', '8b337d3232eeaf0075bac2d402c1af6cbd8031c38e1d7a08d75786fdd8471c4e', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (3, 3, 1, 'administrator_created', NULL, '2026-11-22 06:56:06.271221+00', '2026-11-22 06:56:06.271221+00', 1, '-', 'command line', '{"superuser": false}', '90a4b8297c9d4929cb7098342dee803465ad847542f7f0069369831fbb94e718', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (4, 4, 1, 'administrator_created', NULL, '2026-11-22 06:56:07.41778+00', '2026-11-22 06:56:07.41778+00', 1, '-', 'command line', '{"superuser": false}', '625ae476109f9e4a6b722b35ceb11d72960eee3b56ce8f4a50277b31d4364617', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (5, 5, 1, 'administrator_created', NULL, '2026-11-22 06:56:08.662129+00', '2026-11-22 06:56:08.662129+00', 1, '-', 'command line', '{"superuser": false}', 'ec381f14f5442386fc3e476fa4fac80977dd27f2b9cc2d46201a085dd02f38c0', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (6, 6, 1, 'administrator_created', NULL, '2026-11-22 06:56:09.98332+00', '2026-11-22 06:56:09.98332+00', 1, '-', 'command line', '{"superuser": false}', 'bbe930c76d454f59bad35632392f70ce41721ac292e1e3c9be266a4cf844bb5d', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (7, 1, 2, 'signed_in', 1, '2026-11-22 06:56:11.360927+00', '2026-11-22 06:56:11.360927+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '2c51f764acc642d46773a25bd3bad8e8a0476161d74b17fc15130df247ec71dd', 'a1e15d34', '523e163de2127b3e');
INSERT INTO public.audit VALUES (8, 2, 2, 'signed_in', 2, '2026-11-22 06:56:11.524641+00', '2026-11-22 06:56:11.524641+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '7bc6220a4641dd5b38f4231a8cc7a6f4ac8cf0898072667c513abae069696092', 'a1e15d34', '31b27c71d14f9e8b');
INSERT INTO public.audit VALUES (9, 3, 2, 'signed_in', 3, '2026-11-22 06:56:11.568578+00', '2026-11-22 06:56:11.568578+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '4e952fb1262c12514ddbc0bf19ef9a4910a05b19bfa7b7b0745e97e0f03b7f37', 'a1e15d34', 'bdd4c16b649fae16');
INSERT INTO public.audit VALUES (10, 5, 2, 'signed_in', 5, '2026-11-22 06:56:11.604254+00', '2026-11-22 06:56:11.604254+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', 'd278bf7697a30023db32cabe532f83d8d46062f9d34cbd3d986abb48768c0433', 'a1e15d34', '9fd32725e606da1f');
INSERT INTO public.audit VALUES (11, 3, 3, 'code_requested', 3, '2026-11-22 06:56:11.701377+00', '2026-11-22 06:56:11.701377+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "carol.new@example.com"}', '039a31a9c101962493f1b726c79eabe423e56b672d508d676f5a2be5c94edb14', 'a1e15d34', 'ff46c388e900e25c');
INSERT INTO public.audit VALUES (12, 3, 4, 'code_wrong', 3, '2026-11-22 06:56:12.828897+00', '2026-11-22 06:56:12.828897+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "carol.new@example.com"}', 'b3623949c9365deccc7514e2b39a0459c46ca3a93d51934984c41174e6e68b73', 'a1e15d34', '80dced0cb89d6387');
INSERT INTO public.audit VALUES (13, 3, 5, 'email_changed', 3, '2026-11-22 06:56:12.837222+00', '2026-11-22 06:56:12.837222+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"new": "carol.new@example.com", "old": "carol@example.com"}', 'b64e91bd3913e2228eb5576b31f75c5b4e6b573280968cc9463083a7ba7d8c15', 'a1e15d34', '45ee6e7b249756c8');
INSERT INTO public.audit VALUES (14, 2, 3, 'code_requested', 2, '2026-11-22 06:56:13.921696+00', '2026-11-22 06:56:13.921696+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "bob.new@example.com"}', '01c851e6c9afecc78875308251fafa08d83cd5985c75a0eed3d3510716638843', 'a1e15d34', 'ac0bfd1135ad04ab');
INSERT INTO public.audit VALUES (15, 2, 4, 'code_wrong', 2, '2026-11-22 06:56:15.052607+00', '2026-11-22 06:56:15.052607+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "bob.new@example.com"}', '1031cdbc6efd5c08a13d2717a81dc123eb864aad87c5fd2d011dbc1d3dc1540e', 'a1e15d34', 'b35f288674d0c9f2');
INSERT INTO public.audit VALUES (16, 1, 3, 'invitation_sent', 1, '2026-11-22 06:56:16.173495+00', '2026-11-22 06:56:16.173495+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "gus@example.com", "superuser": false}', '6005fda4f1d00c8a35b8dec38bda851c6f4d6baa0e59a3e40445f1633e0b6cc8', 'a1e15d34', '3d490b17e8383ff8');
INSERT INTO public.audit VALUES (17, 6, 2, 'change_started', 1, '2026-11-22 06:56:17.713957+00', '2026-11-22 06:56:17.713957+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"by": "ann", "email": "fay.new@example.com", "reason": "lost her mailbox"}', '267d4ec671320d711b7c27bbe12231fdf3752bfc31adac7fe2f608a0df29f2be', 'a1e15d34', '94e182c1a8b58ca5');
INSERT INTO public.audit VALUES (18, 5, 3, 'signed_out', 5, '2026-11-22 06:56:17.817783+00', '2026-11-22 06:56:17.817783+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '13334f72a9b79d55167069759e667e4c2a01adf1dd6bd21713d6f4dda86cb8a4', 'a1e15d34', '25b0d7745d93c932');
INSERT INTO public.audit VALUES (19, 5, 4, 'sign_in_failed', 5, '2026-11-22 06:56:17.741721+00', '2026-11-22 06:56:17.800691+00', 3, '127.0.0.1', 'Chrome 156, Linux', '{}', '78a28737d3c5319bb50a1c2374def8a0d8256d571d5bb51da4f1556f96a9d7b1', 'a1e15d34', 'b33b90cd127be787');


--
-- Data for Name: audit_tie; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: budget; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.budget VALUES ('2473c4d9ad1cd8e2779b13295bba09a8487b72b57daf50f3dc21580436ef0fcf', 1, '2026-11-22 06:56:11.663607+00', '2026-11-22 07:56:11.663607+00');
INSERT INTO public.budget VALUES ('4d52d9181fbecfde1d766b282dcbaee9baf05cb04ac36c518732dafaf34ff2e5', 1, '2026-11-22 06:56:11.663607+00', '2026-11-22 07:56:11.663607+00');
INSERT INTO public.budget VALUES ('d13fe704acec3384faeaf4a12fe898418d7fd387d178ad136c841af9354f8a4d', 1, '2026-11-22 06:56:11.663607+00', '2026-11-23 06:56:11.663607+00');
INSERT INTO public.budget VALUES ('0c938d5a29069cb229fc7ed3880b5c4aef52721bda6d9ead5f72edd3716cde15', 2, '2026-11-22 06:56:12.836678+00', '2026-11-23 06:56:12.827901+00');
INSERT INTO public.budget VALUES ('2319e8a1d3803deb9815b114c1ceb0b62e7e29df8b51946fb38bfbf60d001dd1', 2, '2026-11-22 06:56:12.836678+00', '2026-11-23 06:56:12.827901+00');
INSERT INTO public.budget VALUES ('2beefded8416fa255543a5a93bc420c16fa09e175b428f7a8346660d9a1bea66', 1, '2026-11-22 06:56:13.919052+00', '2026-11-22 07:56:13.919052+00');
INSERT INTO public.budget VALUES ('dae428aad6b057aa354b438cded2fb1f9f751241e07ea2b6cfd114e1a72a0bbc', 2, '2026-11-22 06:56:13.919052+00', '2026-11-22 07:56:11.663607+00');
INSERT INTO public.budget VALUES ('e819d40996c06513a021915c4c30e8b40f86a5af9327eab3416a226befa66821', 1, '2026-11-22 06:56:13.919052+00', '2026-11-23 06:56:13.919052+00');
INSERT INTO public.budget VALUES ('f93053a5efb0f6a56d39b909e33035986c106896a08d32b2c8f9bc5ea6a60e46', 1, '2026-11-22 06:56:13.919052+00', '2026-11-22 07:56:13.919052+00');
INSERT INTO public.budget VALUES ('603f9f295bc34c1ee937907c707ba1950ce7a57459f736417282d63fff5f63ab', 1, '2026-11-22 06:56:15.052091+00', '2026-11-23 06:56:15.052091+00');
INSERT INTO public.budget VALUES ('82f509c0124e30f87d49ec82f74ebca65a372fb8c5064da17184aab721e675c1', 1, '2026-11-22 06:56:15.052091+00', '2026-11-23 06:56:15.052091+00');
INSERT INTO public.budget VALUES ('ae32f60042d346b17fc9d7850f725f342f2030863d1830420e2d8a8541ec0ea2', 1, '2026-11-22 06:56:16.148487+00', '2026-11-22 07:56:16.148487+00');


--
-- Data for Name: cms_user; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.cms_user VALUES (5, 'eve', 'eve', 'eve@example.com', 'eve@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$8sgecK/PFHgIyI0cDnclkQ$OwDlqSOXHr4r8QSIfFu6T6zITkHlJ+ePpbvaQIMzD/Q', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 06:56:08.614625+00', '2026-11-22 06:56:17.741721+00', NULL, 4, '78a28737d3c5319bb50a1c2374def8a0d8256d571d5bb51da4f1556f96a9d7b1', 1, '2026-11-22 06:56:11.604234+00', NULL, NULL);
INSERT INTO public.cms_user VALUES (4, 'dan', 'dan', 'dan@example.com', 'dan@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$salMK/1JvFv58f6l0z1FSg$6+Zbh0fwiFSILj4UFYxCxMiTYFSW/j3MicNZAy/52pI', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 06:56:07.372683+00', '2026-11-22 06:56:07.41778+00', NULL, 1, '625ae476109f9e4a6b722b35ceb11d72960eee3b56ce8f4a50277b31d4364617', 1, NULL, NULL, NULL);
INSERT INTO public.cms_user VALUES (3, 'carol', 'carol', 'carol.new@example.com', 'carol.new@example.com', 2, '$argon2id$v=19$m=19456,t=2,p=1$FZw08uxXAr7wK7Pdc8EZmg$zU9BqM8ZKOaHLtYmMo6t5QIsfbrtaM6wS4fmprw/v+E', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 06:56:06.222299+00', '2026-11-22 06:56:12.837222+00', NULL, 5, 'b64e91bd3913e2228eb5576b31f75c5b4e6b573280968cc9463083a7ba7d8c15', 1, '2026-11-22 06:56:11.568562+00', NULL, NULL);
INSERT INTO public.cms_user VALUES (2, 'bob', 'bob', 'bob@example.com', 'bob@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$yTuflSgSqt4DPckQkWSHhQ$Omo8UVkEgNKg/lH+uSRXhzYXF5OSac1l7hn+m33vMj4', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 06:56:05.029254+00', '2026-11-22 06:56:15.052607+00', NULL, 4, '1031cdbc6efd5c08a13d2717a81dc123eb864aad87c5fd2d011dbc1d3dc1540e', 1, '2026-11-22 06:56:11.524613+00', NULL, NULL);
INSERT INTO public.cms_user VALUES (1, 'ann', 'ann', 'ann@example.com', 'ann@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$yyFhyCFdPvnxc7WSuMQ8LQ$H5rEWgdYn1j5w1/X8JL/cHdpbFvWzVt0X3I5DVsDa2k', true, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 06:56:03.367033+00', '2026-11-22 06:56:16.173495+00', NULL, 3, '6005fda4f1d00c8a35b8dec38bda851c6f4d6baa0e59a3e40445f1633e0b6cc8', 1, '2026-11-22 06:56:11.360906+00', NULL, NULL);
INSERT INTO public.cms_user VALUES (6, 'fay', 'fay', 'fay@example.com', 'fay@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$6LsfCuJUJ4Kr1vmNzPmm/g$m0CORkSpdJ3fur3J3zl3T+1xwyUpyNlWYxgvCQ8Y5xg', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 06:56:09.929958+00', '2026-11-22 06:56:17.713957+00', NULL, 2, '267d4ec671320d711b7c27bbe12231fdf3752bfc31adac7fe2f608a0df29f2be', 1, NULL, NULL, NULL);


--
-- Data for Name: email_change; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.email_change VALUES (1, 3, 3, 1, 'carol.new@example.com', 'carol.new@example.com', 1, 'a1e15d34.cb_iBPe0V9qIOzdxJynvhg', NULL, 'aeeaf826446e775249c530a01d5f38803dabcf00ed0a7e9fa48022db24aa685c', '2026-11-22 06:56:11.697377+00', '2026-11-22 07:06:11.665781+00', 2, false, false, false, NULL, '127.0.0.1', 'Chrome 156, Linux', 'made', '');
INSERT INTO public.email_change VALUES (2, 2, 2, 4, 'bob.new@example.com', 'bob.new@example.com', 1, 'a1e15d34.57wjGwpks2-6CSJF8j94rQ', NULL, '9f8bebc79525fe95b1832eaba2b9c6a4dcbaa75c4542b308610d1872cbe25ed1', '2026-11-22 06:56:13.921128+00', '2026-11-22 07:06:13.919819+00', 1, false, false, false, NULL, '127.0.0.1', 'Chrome 156, Linux', '', '');
INSERT INTO public.email_change VALUES (3, 6, NULL, 8, 'fay.new@example.com', 'fay.new@example.com', 1, '', NULL, '2a9f78fcb003fa49657679d53c8fe0fdf6cb8a5e7ef11c79a1c1ff18301830ab', '2026-11-22 06:56:17.711735+00', '2026-11-26 06:56:17.697277+00', 0, false, false, true, 1, '127.0.0.1', 'Chrome 156, Linux', '', '');


--
-- Data for Name: invitation; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.invitation VALUES (1, '615e25dcbed6416e48fe05b2ca5185bbc899b14e031f86960b3ee89115dff486', 'gus@example.com', 'gus@example.com', false, 1, '2026-11-22 06:56:16.149327+00', '2026-11-25 06:56:16.149327+00');


--
-- Data for Name: link; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.link VALUES (1, 'ad6400a93fadd4f569c424fedf323cda108505e7804669d7c6e9b0de72009d09', 'undo', 3, 'carol@example.com', 'carol@example.com', 2, '2026-11-22 06:56:12.84021+00', '2026-11-29 06:56:12.84021+00', NULL, '2026-11-22 06:56:11.697377+00', '127.0.0.1', 'Chrome 156, Linux');
INSERT INTO public.link VALUES (2, '95e78dda044c6420d03fddf5a64f492253a9790feae7faefda2849349f1e7cb6', 'prove', 6, 'fay.new@example.com', 'fay.new@example.com', 1, '2026-11-22 06:56:17.699283+00', '2026-11-26 06:56:17.699283+00', NULL, NULL, '', '');


--
-- Data for Name: login_session; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.login_session VALUES (1, 'd046fd4aa01cbec066f976bd4530b24cfda6560bedd43ed73b48f718c902ff1e', 1, false, '2026-11-22 06:56:11.3605+00', '2026-11-22 06:56:11.3605+00', '2026-11-22 06:56:11.3605+00', '127.0.0.1', 'Chrome 156, Linux', 'a1e15d34');
INSERT INTO public.login_session VALUES (2, '7810f72f4480ef068d20fff6dda9de4a9d33549db386b0b0d29fc85621e693a3', 2, false, '2026-11-22 06:56:11.524138+00', '2026-11-22 06:56:11.524138+00', '2026-11-22 06:56:11.524138+00', '127.0.0.1', 'Chrome 156, Linux', 'a1e15d34');
INSERT INTO public.login_session VALUES (3, 'f2efe03aec9b229bc26c00fa546c0b0523007ae662d57bfda19d2f9e21ccd629', 3, false, '2026-11-22 06:56:11.56839+00', '2026-11-22 06:56:11.56839+00', '2026-11-22 06:56:11.56839+00', '127.0.0.1', 'Chrome 156, Linux', 'a1e15d34');


--
-- Data for Name: mail; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.mail VALUES (1, '<179533057169.23006.1363749419106055079@example.net>', 'code', 3, '', '', '', '', 'sent', '2026-11-22 06:56:11.693645+00', '2026-11-22 06:58:42.461622+00', '2026-11-22 07:06:11.665781+00', 1, '2026-11-22 06:56:12.47588+00', '');
INSERT INTO public.mail VALUES (2, '<179533057169.23006.11270114462148206279@example.net>', 'heads_up', 3, '', '', '', '', 'sent', '2026-11-22 06:56:11.693645+00', '2026-11-22 06:58:42.461622+00', '2026-11-22 07:06:11.665781+00', 1, '2026-11-22 06:56:12.483407+00', '');
INSERT INTO public.mail VALUES (4, '<179533057392.23006.5074945018988011526@example.net>', 'code', 2, '', '', '', '', 'sent', '2026-11-22 06:56:13.920507+00', '2026-11-22 06:58:44.749565+00', '2026-11-22 07:06:13.919819+00', 1, '2026-11-22 06:56:14.76321+00', '');
INSERT INTO public.mail VALUES (5, '<179533057392.23006.2352182256310813294@example.net>', 'heads_up', 2, '', '', '', '', 'sent', '2026-11-22 06:56:13.920507+00', '2026-11-22 06:58:44.749565+00', '2026-11-22 07:06:13.919819+00', 1, '2026-11-22 06:56:14.769886+00', '');
INSERT INTO public.mail VALUES (8, '<179533057771.23005.4802543354561246310@example.net>', 'assisted_proof', 6, 'fay.new@example.com', '请确认您的新邮箱', 'fay，您好：

已为您发起邮箱修改，您账号的邮箱将改为此邮箱。请通过以下链接确认：

http://127.0.0.1:23742/cms/resetemail/prove/As6cg2NGbkV_wPzqNJk1Vltw_S_kGrl7egM02Y4LnHE/

时间：2026-11-22 06:56 UTC
操作人：ann

如果您不知情，请忽略此邮件，不会有任何改动。

-- 
账号中心 · 127.0.0.1:23742
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
      <p style="margin:0 0 20px;padding-bottom:12px;border-bottom:1px solid #c9cede;font-weight:bold;overflow-wrap:anywhere">账号中心 · 127.0.0.1:23742</p>
      
<p>fay，您好：</p>
<p>已为您发起邮箱修改，您账号的邮箱将改为此邮箱。请通过以下链接确认：</p>
<p style="margin:20px 0"><a href="http://127.0.0.1:23742/cms/resetemail/prove/As6cg2NGbkV_wPzqNJk1Vltw_S_kGrl7egM02Y4LnHE/" style="display:inline-block;padding:12px 24px;border:1px solid #2f6fde;border-radius:8px;background-color:#2f6fde;color:#ffffff;font-weight:bold;text-decoration:none">确认新邮箱</a></p>
<p style="font-size:14px">如果按钮无法点击，请打开以下网址：<br><a href="http://127.0.0.1:23742/cms/resetemail/prove/As6cg2NGbkV_wPzqNJk1Vltw_S_kGrl7egM02Y4LnHE/" style="color:inherit;word-break:break-all">http://127.0.0.1:23742/cms/resetemail/prove/As6cg2NGbkV_wPzqNJk1Vltw_S_kGrl7egM02Y4LnHE/</a></p>
<p style="padding-left:12px;border-left:3px solid #8a93b0;overflow-wrap:anywhere">时间：2026-11-22 06:56 UTC<br>
操作人：ann</p>
<p>如果您不知情，请忽略此邮件，不会有任何改动。</p>

    </div>
  </body>
</html>', 'queued', '2026-11-22 06:56:17.711186+00', '2026-11-23 06:56:17.697277+00', '2026-11-26 06:56:17.697277+00', 0, NULL, '');
INSERT INTO public.mail VALUES (12, '<179533057899.23005.16734846574351920011@example.net>', 'task:password_link', NULL, 'dan@example.com', '', '{"request_id": "6ac6b8628047d330", "origin": {"network": "127.0.0.1", "browser": "Chrome 156, Linux", "site": "http://127.0.0.1:23742", "time_zone": ""}, "language": "zh"}', '', 'queued', '2026-11-22 06:56:18.991301+00', '2026-11-22 06:56:18.991301+00', '2026-11-25 06:56:18.991301+00', 0, NULL, '');
INSERT INTO public.mail VALUES (3, '<179533057284.23006.10167588441973701825@example.net>', 'changed', 3, '', '', '', '', 'sent', '2026-11-22 06:56:12.847536+00', '2026-11-22 06:58:43.601988+00', '2026-11-25 06:56:12.847536+00', 1, '2026-11-22 06:56:13.617338+00', '');
INSERT INTO public.mail VALUES (6, '<179533057617.23005.16035551352027269166@example.net>', 'invitation', 1, '', '', '', '', 'sent', '2026-11-22 06:56:16.170901+00', '2026-11-22 06:58:47.369299+00', '2026-11-25 06:56:16.149327+00', 1, '2026-11-22 06:56:17.386246+00', '');
INSERT INTO public.mail VALUES (7, '<179533057770.23005.9407642171884900107@example.net>', 'assisted', 6, '', '', '', '', 'sent', '2026-11-22 06:56:17.707015+00', '2026-11-22 06:58:48.683572+00', '2026-11-25 06:56:17.707015+00', 1, '2026-11-22 06:56:18.698946+00', '');


--
-- Name: audit_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.audit_id_seq', 19, true);

SELECT pg_catalog.setval('public.cms_user_id_seq', 6, true);

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

