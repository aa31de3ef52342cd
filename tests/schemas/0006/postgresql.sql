
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
    time_zone character varying(64)
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


INSERT INTO public.alembic_version VALUES ('0006');


--
-- Data for Name: audit; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.audit VALUES (1, 1, 1, 'administrator_created', NULL, '2026-11-22 03:57:39.48976+00', '2026-11-22 03:57:39.48976+00', 1, '-', 'command line', '{"superuser": true}', 'd7c02467510e2b263833f64ab591eef966f13209ac686ac650de98ea441e7aad', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (2, 2, 1, 'administrator_created', NULL, '2026-11-22 03:57:42.019632+00', '2026-11-22 03:57:42.019632+00', 1, '-', 'command line', '{"superuser": false}', '33aa0fc569a0a0a2a003e5183f195c7a95c0a405d33be337939bb51a59664730', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (3, 3, 1, 'administrator_created', NULL, '2026-11-22 03:57:44.072641+00', '2026-11-22 03:57:44.072641+00', 1, '-', 'command line', '{"superuser": false}', '33edf9da9d5fdf50dc3e4fa2adcc984853fe071ed94413272efef989ea017de1', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (4, 4, 1, 'administrator_created', NULL, '2026-11-22 03:57:46.249393+00', '2026-11-22 03:57:46.249393+00', 1, '-', 'command line', '{"superuser": false}', 'f3175b74e8821299367999ecd2f739e585a4fce4f707c59e99ec1069e714ae8b', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (5, 5, 1, 'administrator_created', NULL, '2026-11-22 03:57:47.765208+00', '2026-11-22 03:57:47.765208+00', 1, '-', 'command line', '{"superuser": false}', 'ae2a6ab1697639897ef36f6611a049183f55d780f87799f0b136e5eccdbdeb3f', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (6, 6, 1, 'administrator_created', NULL, '2026-11-22 03:57:49.419744+00', '2026-11-22 03:57:49.419744+00', 1, '-', 'command line', '{"superuser": false}', 'bd0fc4d8ed1bb5ce0f8b5224bbbd285edc4b60ae97e1cbca397403fb93928e0a', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (7, 1, 2, 'signed_in', 1, '2026-11-22 03:57:50.985813+00', '2026-11-22 03:57:50.985813+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', 'f698699989fb0f4fb00cfc55dce18866efedcd93c73daaf50b6303364446c7fc', 'a1e15d34', '8e921070dfd85e9f');
INSERT INTO public.audit VALUES (8, 2, 2, 'signed_in', 2, '2026-11-22 03:57:51.173382+00', '2026-11-22 03:57:51.173382+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '034d31772b6a9ab6adc5e7e43337ceaa2e92ac54ae16ba57005dd2a63121b97d', 'a1e15d34', '7c61719946deaa37');
INSERT INTO public.audit VALUES (9, 3, 2, 'signed_in', 3, '2026-11-22 03:57:51.327155+00', '2026-11-22 03:57:51.327155+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', 'f027c5b312f41cd0abc9580bf07637374812882b0926413b063931911331e936', 'a1e15d34', 'bfbab40c8ae2a110');
INSERT INTO public.audit VALUES (10, 5, 2, 'signed_in', 5, '2026-11-22 03:57:51.396836+00', '2026-11-22 03:57:51.396836+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '917f728af59fc1c46ae8714182b7638dd11f839eda375e715eb3b90f0c0e4832', 'a1e15d34', '0b54bc6a340954e8');
INSERT INTO public.audit VALUES (11, 3, 3, 'code_requested', 3, '2026-11-22 03:57:51.518362+00', '2026-11-22 03:57:51.518362+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "carol.new@example.com"}', '1d331d2eeff3b163b98c21f16de42fb1eaaa586ad33b51caff60cc2284ffdce2', 'a1e15d34', '6021716ebb57ff13');
INSERT INTO public.audit VALUES (12, 3, 4, 'code_wrong', 3, '2026-11-22 03:57:55.197432+00', '2026-11-22 03:57:55.197432+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "carol.new@example.com"}', 'd0788d2f140d750c9fd0de85058801d9b7d9ae891688db236b977b96f1cdc948', 'a1e15d34', '4f27c80a5da96b0a');
INSERT INTO public.audit VALUES (13, 3, 5, 'email_changed', 3, '2026-11-22 03:57:55.251064+00', '2026-11-22 03:57:55.251064+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"new": "carol.new@example.com", "old": "carol@example.com"}', 'fa01bec9e1858bb88dae8727dd605b8caf57419b6d27923c06a9820c5a271c5a', 'a1e15d34', 'aab690ee91e67883');
INSERT INTO public.audit VALUES (14, 2, 3, 'code_requested', 2, '2026-11-22 03:57:57.350834+00', '2026-11-22 03:57:57.350834+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "bob.new@example.com"}', '91e391b7694b51870db69e89d9fc7a5c041a419b14f0429324d9b168580133e8', 'a1e15d34', 'cbc7e4a881d5b126');
INSERT INTO public.audit VALUES (15, 2, 4, 'code_wrong', 2, '2026-11-22 03:57:58.509469+00', '2026-11-22 03:57:58.509469+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "bob.new@example.com"}', '060bed2f279e93e1b21807691f75faf63a77a0e4c4634f25d7e52b0af0181083', 'a1e15d34', 'cd2a14c005fde7c3');
INSERT INTO public.audit VALUES (16, 1, 3, 'invitation_sent', 1, '2026-11-22 03:58:00.390736+00', '2026-11-22 03:58:00.390736+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "gus@example.com", "superuser": false}', 'e5bfaf87ff11b4238175611bc4366bb2fd39615fa78c52b5b063a52fb075e24a', 'a1e15d34', '6c645a3a1cd72803');
INSERT INTO public.audit VALUES (17, 6, 2, 'change_started', 1, '2026-11-22 03:58:03.640117+00', '2026-11-22 03:58:03.640117+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"by": "ann", "email": "fay.new@example.com", "reason": "lost her mailbox"}', '3f266e33cd6acc333f5eb1c34adc19b4d006cd692b2761a7845768e8c5931311', 'a1e15d34', 'e1d8c2f94d7de7f1');
INSERT INTO public.audit VALUES (18, 5, 3, 'signed_out', 5, '2026-11-22 03:58:03.904152+00', '2026-11-22 03:58:03.904152+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '979685a5991fb0fc320eed57a650b7391409462ee19671f915a15a8256efa137', 'a1e15d34', 'ba26be73621c4867');
INSERT INTO public.audit VALUES (19, 5, 4, 'sign_in_failed', 5, '2026-11-22 03:58:03.713235+00', '2026-11-22 03:58:03.842869+00', 3, '127.0.0.1', 'Chrome 156, Linux', '{}', '1dd0d236c965df144f741d442ef18e24a0c2b2743d09846dd27d787673546ca5', 'a1e15d34', '0b7c151f872e4709');


--
-- Data for Name: budget; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.budget VALUES ('2473c4d9ad1cd8e2779b13295bba09a8487b72b57daf50f3dc21580436ef0fcf', 1, '2026-11-22 03:57:51.479258+00', '2026-11-22 04:57:51.479258+00');
INSERT INTO public.budget VALUES ('4d52d9181fbecfde1d766b282dcbaee9baf05cb04ac36c518732dafaf34ff2e5', 1, '2026-11-22 03:57:51.479258+00', '2026-11-22 04:57:51.479258+00');
INSERT INTO public.budget VALUES ('d13fe704acec3384faeaf4a12fe898418d7fd387d178ad136c841af9354f8a4d', 1, '2026-11-22 03:57:51.479258+00', '2026-11-23 03:57:51.479258+00');
INSERT INTO public.budget VALUES ('0c938d5a29069cb229fc7ed3880b5c4aef52721bda6d9ead5f72edd3716cde15', 2, '2026-11-22 03:57:55.24808+00', '2026-11-23 03:57:55.191509+00');
INSERT INTO public.budget VALUES ('2319e8a1d3803deb9815b114c1ceb0b62e7e29df8b51946fb38bfbf60d001dd1', 2, '2026-11-22 03:57:55.24808+00', '2026-11-23 03:57:55.191509+00');
INSERT INTO public.budget VALUES ('2beefded8416fa255543a5a93bc420c16fa09e175b428f7a8346660d9a1bea66', 1, '2026-11-22 03:57:57.347278+00', '2026-11-22 04:57:57.347278+00');
INSERT INTO public.budget VALUES ('dae428aad6b057aa354b438cded2fb1f9f751241e07ea2b6cfd114e1a72a0bbc', 2, '2026-11-22 03:57:57.347278+00', '2026-11-22 04:57:51.479258+00');
INSERT INTO public.budget VALUES ('e819d40996c06513a021915c4c30e8b40f86a5af9327eab3416a226befa66821', 1, '2026-11-22 03:57:57.347278+00', '2026-11-23 03:57:57.347278+00');
INSERT INTO public.budget VALUES ('f93053a5efb0f6a56d39b909e33035986c106896a08d32b2c8f9bc5ea6a60e46', 1, '2026-11-22 03:57:57.347278+00', '2026-11-22 04:57:57.347278+00');
INSERT INTO public.budget VALUES ('603f9f295bc34c1ee937907c707ba1950ce7a57459f736417282d63fff5f63ab', 1, '2026-11-22 03:57:58.508807+00', '2026-11-23 03:57:58.508807+00');
INSERT INTO public.budget VALUES ('82f509c0124e30f87d49ec82f74ebca65a372fb8c5064da17184aab721e675c1', 1, '2026-11-22 03:57:58.508807+00', '2026-11-23 03:57:58.508807+00');
INSERT INTO public.budget VALUES ('ae32f60042d346b17fc9d7850f725f342f2030863d1830420e2d8a8541ec0ea2', 1, '2026-11-22 03:58:00.353179+00', '2026-11-22 04:58:00.353179+00');


--
-- Data for Name: cms_user; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.cms_user VALUES (5, 'eve', 'eve', 'eve@example.com', 'eve@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$5+DTb/KhYskBTPisZXOMIA$CqoJ6zZ5WxZS413GlAvcnFxK2BKfTh6JQC0rJFJlkj8', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 03:57:47.704523+00', '2026-11-22 03:58:03.713235+00', NULL, 4, '1dd0d236c965df144f741d442ef18e24a0c2b2743d09846dd27d787673546ca5', 1, '2026-11-22 03:57:51.39682+00', NULL);
INSERT INTO public.cms_user VALUES (4, 'dan', 'dan', 'dan@example.com', 'dan@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$sujyzFv7bJHn7dLbK0nn5w$JiUJBU8NtHIktjSlfM31G9tsNvBzlFQEJNcK1wlB9bU', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 03:57:46.198594+00', '2026-11-22 03:57:46.249393+00', NULL, 1, 'f3175b74e8821299367999ecd2f739e585a4fce4f707c59e99ec1069e714ae8b', 1, NULL, NULL);
INSERT INTO public.cms_user VALUES (3, 'carol', 'carol', 'carol.new@example.com', 'carol.new@example.com', 2, '$argon2id$v=19$m=19456,t=2,p=1$Uo3v/rC25JAY7Xv3yEFRgg$w71bekAx4UQNKkHm2bJe706zuajxNc/5gGkIsJZNL50', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 03:57:44.014363+00', '2026-11-22 03:57:55.251064+00', NULL, 5, 'fa01bec9e1858bb88dae8727dd605b8caf57419b6d27923c06a9820c5a271c5a', 1, '2026-11-22 03:57:51.327138+00', NULL);
INSERT INTO public.cms_user VALUES (2, 'bob', 'bob', 'bob@example.com', 'bob@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$bT+Yif+9OY3DGOnU/kX2mg$JpPzk8pjLAjo1vfeg1eWvlzHTqI1Ki8FqGj/abk7B3g', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 03:57:41.89005+00', '2026-11-22 03:57:58.509469+00', NULL, 4, '060bed2f279e93e1b21807691f75faf63a77a0e4c4634f25d7e52b0af0181083', 1, '2026-11-22 03:57:51.173365+00', NULL);
INSERT INTO public.cms_user VALUES (1, 'ann', 'ann', 'ann@example.com', 'ann@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$BcWniSxgWnVLTumlMhjjJw$w59l1QoPSQkYsFx7SFanRGGG1nAL2/Yzr3YpQjSNslA', true, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 03:57:39.440526+00', '2026-11-22 03:58:00.390736+00', NULL, 3, 'e5bfaf87ff11b4238175611bc4366bb2fd39615fa78c52b5b063a52fb075e24a', 1, '2026-11-22 03:57:50.985793+00', NULL);
INSERT INTO public.cms_user VALUES (6, 'fay', 'fay', 'fay@example.com', 'fay@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$9SLKmhidkZhZl/HyCUEKMA$EeaLy1FkC3j3+QmmPXavUNSEnVg1kv+exuXYFMPNyGM', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 03:57:49.371577+00', '2026-11-22 03:58:03.640117+00', NULL, 2, '3f266e33cd6acc333f5eb1c34adc19b4d006cd692b2761a7845768e8c5931311', 1, NULL, NULL);


--
-- Data for Name: email_change; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.email_change VALUES (1, 3, 3, 1, 'carol.new@example.com', 'carol.new@example.com', 1, 'a1e15d34.1etarIdLnEqOlJUPNMhtRg', NULL, 'cc0c66265ca69abffec1c616d9f437e396c17a2f9d14cf8e4cf3720184b708a3', '2026-11-22 03:57:51.508806+00', '2026-11-22 04:07:51.481143+00', 2, false, false, false, NULL, '127.0.0.1', 'Chrome 156, Linux', 'made', '');
INSERT INTO public.email_change VALUES (2, 2, 2, 4, 'bob.new@example.com', 'bob.new@example.com', 1, 'a1e15d34.XuXHOW6F03W845AvCiXGNg', NULL, '402bcb48449200e5e07bef7d0fd21342c286202c52f3df21d398a8b09667003d', '2026-11-22 03:57:57.349958+00', '2026-11-22 04:07:57.348161+00', 1, false, false, false, NULL, '127.0.0.1', 'Chrome 156, Linux', '', '');
INSERT INTO public.email_change VALUES (3, 6, NULL, 8, 'fay.new@example.com', 'fay.new@example.com', 1, '', NULL, '9adb65532b467b5f31bab954b7a156afb3a3d619b27360c46dde67bf69102d5c', '2026-11-22 03:58:03.639026+00', '2026-11-26 03:58:03.602729+00', 0, false, false, true, 1, '127.0.0.1', 'Chrome 156, Linux', '', '');


--
-- Data for Name: invitation; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.invitation VALUES (1, 'a9b3c1757c2ef741bdc6550444fe518670d80e5b4cfdeef814987dd05b805d37', 'gus@example.com', 'gus@example.com', false, 1, '2026-11-22 03:58:00.35412+00', '2026-11-25 03:58:00.35412+00');


--
-- Data for Name: link; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.link VALUES (1, '9f4060eeae34a73a1973b3e9d9d3deed43ed905a07a59da88cb28e121760c8a6', 'undo', 3, 'carol@example.com', 'carol@example.com', 2, '2026-11-22 03:57:55.258891+00', '2026-11-29 03:57:55.258891+00', NULL, '2026-11-22 03:57:51.508806+00', '127.0.0.1', 'Chrome 156, Linux');
INSERT INTO public.link VALUES (2, '67b34ccf0b367d3835c381f958e3258c924150569b33a407f9dcbfc6769e721c', 'prove', 6, 'fay.new@example.com', 'fay.new@example.com', 1, '2026-11-22 03:58:03.608513+00', '2026-11-26 03:58:03.608513+00', NULL, NULL, '', '');


--
-- Data for Name: login_session; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.login_session VALUES (1, '22b043bc5bbd488c3b328da26612a037bc1ea7c4c13d8a204197ff6b7589622e', 1, false, '2026-11-22 03:57:50.985428+00', '2026-11-22 03:57:50.985428+00', '2026-11-22 03:57:50.985428+00', '127.0.0.1', 'Chrome 156, Linux', 'a1e15d34');
INSERT INTO public.login_session VALUES (2, '060da325e788e5f155bd70c744852c8dd28f0297a99a4ef3a426b466294bd095', 2, false, '2026-11-22 03:57:51.173204+00', '2026-11-22 03:57:51.173204+00', '2026-11-22 03:57:51.173204+00', '127.0.0.1', 'Chrome 156, Linux', 'a1e15d34');
INSERT INTO public.login_session VALUES (3, '83f5b95d8cc7fae48096cb69ed913d0f9277fbb41cadc4d4cb89da1aa700d3f7', 3, false, '2026-11-22 03:57:51.326984+00', '2026-11-22 03:57:51.326984+00', '2026-11-22 03:57:51.326984+00', '127.0.0.1', 'Chrome 156, Linux', 'a1e15d34');


--
-- Data for Name: mail; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.mail VALUES (1, '<179531987150.14285.5935291464482850829@example.net>', 'code', 3, 'carol.new@example.com', '', '', '', 'sent', '2026-11-22 03:57:51.505754+00', '2026-11-22 04:00:23.956149+00', '2026-11-22 04:07:51.481143+00', 1, '2026-11-22 03:57:53.990928+00', '');
INSERT INTO public.mail VALUES (2, '<179531987150.14285.17482589436301123051@example.net>', 'heads_up', 3, 'carol@example.com', '', '', '', 'sent', '2026-11-22 03:57:51.505754+00', '2026-11-22 04:00:23.956149+00', '2026-11-22 04:07:51.481143+00', 1, '2026-11-22 03:57:54.014529+00', '');
INSERT INTO public.mail VALUES (4, '<179531987734.14285.15200065639161783599@example.net>', 'code', 2, 'bob.new@example.com', '', '', '', 'sent', '2026-11-22 03:57:57.349102+00', '2026-11-22 04:00:28.165537+00', '2026-11-22 04:07:57.348161+00', 1, '2026-11-22 03:57:58.177772+00', '');
INSERT INTO public.mail VALUES (5, '<179531987734.14285.3563866930805583042@example.net>', 'heads_up', 2, 'bob@example.com', '', '', '', 'sent', '2026-11-22 03:57:57.349102+00', '2026-11-22 04:00:28.165537+00', '2026-11-22 04:07:57.348161+00', 1, '2026-11-22 03:57:58.185315+00', '');
INSERT INTO public.mail VALUES (6, '<179531988038.14285.13344498848262879400@example.net>', 'invitation', 1, 'gus@example.com', '', '', '', 'sent', '2026-11-22 03:58:00.389753+00', '2026-11-22 04:00:32.674049+00', '2026-11-25 03:58:00.35412+00', 1, '2026-11-22 03:58:02.706395+00', '');
INSERT INTO public.mail VALUES (8, '<179531988363.14285.5392872962448831671@example.net>', 'assisted_proof', 6, 'fay.new@example.com', '请确认您的新邮箱', 'fay，您好：

已为您发起邮箱修改，您账号的邮箱将改为此邮箱。请通过以下链接确认：

http://127.0.0.1:31123/cms/resetemail/prove/VEpjdGLlyr5sb1bvX76T_OchDQpV0O3av3G3F_Gn-Fo/

时间：2026-11-22 03:58 UTC
操作人：ann

如果您不知情，请忽略此邮件，不会有任何改动。

-- 
账号中心 · 127.0.0.1:31123
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
      <p style="margin:0 0 20px;padding-bottom:12px;border-bottom:1px solid #c9cede;font-weight:bold;overflow-wrap:anywhere">账号中心 · 127.0.0.1:31123</p>
      
<p>fay，您好：</p>
<p>已为您发起邮箱修改，您账号的邮箱将改为此邮箱。请通过以下链接确认：</p>
<p style="margin:20px 0"><a href="http://127.0.0.1:31123/cms/resetemail/prove/VEpjdGLlyr5sb1bvX76T_OchDQpV0O3av3G3F_Gn-Fo/" style="display:inline-block;padding:12px 24px;border:1px solid #2f6fde;border-radius:8px;background-color:#2f6fde;color:#ffffff;font-weight:bold;text-decoration:none">确认新邮箱</a></p>
<p style="font-size:14px">如果按钮无法点击，请打开以下网址：<br><a href="http://127.0.0.1:31123/cms/resetemail/prove/VEpjdGLlyr5sb1bvX76T_OchDQpV0O3av3G3F_Gn-Fo/" style="color:inherit;word-break:break-all">http://127.0.0.1:31123/cms/resetemail/prove/VEpjdGLlyr5sb1bvX76T_OchDQpV0O3av3G3F_Gn-Fo/</a></p>
<p style="padding-left:12px;border-left:3px solid #8a93b0;overflow-wrap:anywhere">时间：2026-11-22 03:58 UTC<br>
操作人：ann</p>
<p>如果您不知情，请忽略此邮件，不会有任何改动。</p>

    </div>
  </body>
</html>', 'queued', '2026-11-22 03:58:03.636385+00', '2026-11-23 03:58:03.602729+00', '2026-11-26 03:58:03.602729+00', 0, NULL, '');
INSERT INTO public.mail VALUES (3, '<179531987528.14285.1876737804400590922@example.net>', 'changed', 3, 'carol@example.com', '', '', '', 'sent', '2026-11-22 03:57:55.287403+00', '2026-11-22 04:00:26.948565+00', '2026-11-25 03:57:55.287403+00', 1, '2026-11-22 03:57:56.964767+00', '');
INSERT INTO public.mail VALUES (7, '<179531988363.14285.15259312939262398151@example.net>', 'assisted', 6, 'fay@example.com', '', '', '', 'sent', '2026-11-22 03:58:03.631285+00', '2026-11-22 04:00:36.497719+00', '2026-11-25 03:58:03.631285+00', 1, '2026-11-22 03:58:06.56782+00', '');
INSERT INTO public.mail VALUES (12, '<179531988809.14284.17482260076694032581@example.net>', 'task:password_link', NULL, 'dan@example.com', '', '{"request_id": "5733f4c0184e0d93", "origin": {"network": "127.0.0.1", "browser": "Chrome 156, Linux", "site": "http://127.0.0.1:31123", "time_zone": ""}, "language": "zh"}', '', 'queued', '2026-11-22 03:58:08.098503+00', '2026-11-22 03:58:08.098503+00', '2026-11-25 03:58:08.098503+00', 0, NULL, '');


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

