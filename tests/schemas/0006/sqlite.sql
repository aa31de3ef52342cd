BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0006');
CREATE TABLE audit (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	event VARCHAR(40) NOT NULL, 
	actor_id INTEGER, 
	at DATETIME NOT NULL, 
	last_at DATETIME NOT NULL, 
	times INTEGER NOT NULL, 
	network VARCHAR(64) NOT NULL, 
	browser VARCHAR(200) NOT NULL, 
	detail TEXT NOT NULL, 
	chain VARCHAR(64) NOT NULL, key_id VARCHAR(8), request_id VARCHAR(64), 
	CONSTRAINT pk_audit PRIMARY KEY (id), 
	CONSTRAINT fk_audit_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id), 
	CONSTRAINT uq_audit_user_id_number UNIQUE (user_id, number)
);
INSERT INTO "audit" VALUES(1,1,1,'administrator_created',NULL,'2026-11-22 03:56:28.100540','2026-11-22 03:56:28.100540',1,'-','command line','{"superuser": true}','9c65ebccb80a98910002f36fbd4bf81130e1863d064d4400d08ea77a073dc735','a1e15d34',NULL);
INSERT INTO "audit" VALUES(2,2,1,'administrator_created',NULL,'2026-11-22 03:56:34.447719','2026-11-22 03:56:34.447719',1,'-','command line','{"superuser": false}','5c7bf793c1029c7e6ab10e9eef6dd07f17c128094426d0fbadb2136f1033e0a8','a1e15d34',NULL);
INSERT INTO "audit" VALUES(3,3,1,'administrator_created',NULL,'2026-11-22 03:56:40.068354','2026-11-22 03:56:40.068354',1,'-','command line','{"superuser": false}','e068a7e47ebe71b68543b33ee7767bcf1697e8bbf74b5fac2cf69ae2199c56ea','a1e15d34',NULL);
INSERT INTO "audit" VALUES(4,4,1,'administrator_created',NULL,'2026-11-22 03:56:44.332425','2026-11-22 03:56:44.332425',1,'-','command line','{"superuser": false}','4b89b4bc7a707de642d98c6120ac86075cc519b94d8cf54d47dee818c99f1b2d','a1e15d34',NULL);
INSERT INTO "audit" VALUES(5,5,1,'administrator_created',NULL,'2026-11-22 03:56:49.256275','2026-11-22 03:56:49.256275',1,'-','command line','{"superuser": false}','462d601cc948f7d52634fae7487a76675b65655e92d3e7bd90ab5ae7ff009a22','a1e15d34',NULL);
INSERT INTO "audit" VALUES(6,6,1,'administrator_created',NULL,'2026-11-22 03:56:53.188499','2026-11-22 03:56:53.188499',1,'-','command line','{"superuser": false}','7d0d1518b85cae98c6a3c750d1753a9ca9179c87a4ee2506b8909cfea28132b6','a1e15d34',NULL);
INSERT INTO "audit" VALUES(7,1,2,'signed_in',1,'2026-11-22 03:56:58.487495','2026-11-22 03:56:58.487495',1,'127.0.0.1','Chrome 156, Linux','{}','6bcfab990e395a44873bd4f0a1fc2dfb24f3fd71e62f43d28d899bcf10e325f3','a1e15d34','21ecaf48e3f28f39');
INSERT INTO "audit" VALUES(8,2,2,'signed_in',2,'2026-11-22 03:56:59.015253','2026-11-22 03:56:59.015253',1,'127.0.0.1','Chrome 156, Linux','{}','64f69b979eedb30e4c6c3fb66d5c79ef1fb7c483aa59569af13c1e39617a0389','a1e15d34','9d073584ad00f8e8');
INSERT INTO "audit" VALUES(9,3,2,'signed_in',3,'2026-11-22 03:56:59.212768','2026-11-22 03:56:59.212768',1,'127.0.0.1','Chrome 156, Linux','{}','bf7f7938030754c2810fd8fb27ce6dbec839aebf1328ec3bbd2b451a610c699c','a1e15d34','f1ba095201463d91');
INSERT INTO "audit" VALUES(10,5,2,'signed_in',5,'2026-11-22 03:56:59.365300','2026-11-22 03:56:59.365300',1,'127.0.0.1','Chrome 156, Linux','{}','d74e37f9a3ef533bb9cdfcf0e276030768e74bd889d559b6ea1b3b71f48deb40','a1e15d34','a95330f66f4d0c05');
INSERT INTO "audit" VALUES(11,3,3,'code_requested',3,'2026-11-22 03:56:59.556729','2026-11-22 03:56:59.556729',1,'127.0.0.1','Chrome 156, Linux','{"email": "carol.new@example.com"}','a14ad5e9e1a92726bdb289ab06406c197c829d173d5d214baaa702972387bff5','a1e15d34','9ef1b96fa213dd9a');
INSERT INTO "audit" VALUES(12,3,4,'code_wrong',3,'2026-11-22 03:57:03.720092','2026-11-22 03:57:03.720092',1,'127.0.0.1','Chrome 156, Linux','{"email": "carol.new@example.com"}','e46aa3893bdaa8382e4b1afee839d00e391dd693c8c557bcc9f269da19b990c4','a1e15d34','7706d4f77f7c5095');
INSERT INTO "audit" VALUES(13,3,5,'email_changed',3,'2026-11-22 03:57:03.738166','2026-11-22 03:57:03.738166',1,'127.0.0.1','Chrome 156, Linux','{"new": "carol.new@example.com", "old": "carol@example.com"}','ab5e531088698aceddf89543eeb6b5521925570457c75ab26b0b6c1911a075bd','a1e15d34','97d385a4c791a4ea');
INSERT INTO "audit" VALUES(14,2,3,'code_requested',2,'2026-11-22 03:57:06.433542','2026-11-22 03:57:06.433542',1,'127.0.0.1','Chrome 156, Linux','{"email": "bob.new@example.com"}','580818dd53181b0e39f578cfefbdf13c5b8d41e461f014291c8998156def085c','a1e15d34','d91fe7977c973545');
INSERT INTO "audit" VALUES(15,2,4,'code_wrong',2,'2026-11-22 03:57:08.633233','2026-11-22 03:57:08.633233',1,'127.0.0.1','Chrome 156, Linux','{"email": "bob.new@example.com"}','b2c4b9284ebce569624775e82616fb47c5aeba245d8e4248b03e272c37210063','a1e15d34','15a30504e4bba42e');
INSERT INTO "audit" VALUES(16,1,3,'invitation_sent',1,'2026-11-22 03:57:13.079332','2026-11-22 03:57:13.079332',1,'127.0.0.1','Chrome 156, Linux','{"email": "gus@example.com", "superuser": false}','106ec44fe6abc1ecd7d89363a532146fac91762c301607594b1c5a380345dbc8','a1e15d34','61dcc5442d026379');
INSERT INTO "audit" VALUES(17,6,2,'change_started',1,'2026-11-22 03:57:20.342859','2026-11-22 03:57:20.342859',1,'127.0.0.1','Chrome 156, Linux','{"by": "ann", "email": "fay.new@example.com", "reason": "lost her mailbox"}','eaef91488733874cca9a9376b6e26cde568cda71cfa7f460ee8f77d383c4d399','a1e15d34','815b1514973e752b');
INSERT INTO "audit" VALUES(18,5,3,'signed_out',5,'2026-11-22 03:57:21.215481','2026-11-22 03:57:21.215481',1,'127.0.0.1','Chrome 156, Linux','{}','b05179b70f18a67c4768706ed9d42672643bc4cf62cf76da7e5cca7e2d418e6a','a1e15d34','b53a54a6df4e4dd6');
INSERT INTO "audit" VALUES(19,5,4,'sign_in_failed',5,'2026-11-22 03:57:20.723445','2026-11-22 03:57:21.145611',3,'127.0.0.1','Chrome 156, Linux','{}','8a6fefad77dd950d369bb92ccb92736c2b61e9c472ef406797d57e3c09f3ce1c','a1e15d34','6d99dde40d2e2fcc');
CREATE TABLE budget (
	"key" VARCHAR(64) NOT NULL, 
	used INTEGER NOT NULL, 
	used_at DATETIME NOT NULL, 
	resets_at DATETIME NOT NULL, 
	CONSTRAINT pk_budget PRIMARY KEY ("key")
);
INSERT INTO "budget" VALUES('2473c4d9ad1cd8e2779b13295bba09a8487b72b57daf50f3dc21580436ef0fcf',1,'2026-11-22 03:56:59.461612','2026-11-22 04:56:59.461612');
INSERT INTO "budget" VALUES('4d52d9181fbecfde1d766b282dcbaee9baf05cb04ac36c518732dafaf34ff2e5',1,'2026-11-22 03:56:59.461612','2026-11-22 04:56:59.461612');
INSERT INTO "budget" VALUES('d13fe704acec3384faeaf4a12fe898418d7fd387d178ad136c841af9354f8a4d',1,'2026-11-22 03:56:59.461612','2026-11-23 03:56:59.461612');
INSERT INTO "budget" VALUES('dae428aad6b057aa354b438cded2fb1f9f751241e07ea2b6cfd114e1a72a0bbc',2,'2026-11-22 03:57:06.381982','2026-11-22 04:56:59.461612');
INSERT INTO "budget" VALUES('0c938d5a29069cb229fc7ed3880b5c4aef52721bda6d9ead5f72edd3716cde15',2,'2026-11-22 03:57:03.737875','2026-11-23 03:57:03.719420');
INSERT INTO "budget" VALUES('2319e8a1d3803deb9815b114c1ceb0b62e7e29df8b51946fb38bfbf60d001dd1',2,'2026-11-22 03:57:03.737875','2026-11-23 03:57:03.719420');
INSERT INTO "budget" VALUES('2beefded8416fa255543a5a93bc420c16fa09e175b428f7a8346660d9a1bea66',1,'2026-11-22 03:57:06.381982','2026-11-22 04:57:06.381982');
INSERT INTO "budget" VALUES('e819d40996c06513a021915c4c30e8b40f86a5af9327eab3416a226befa66821',1,'2026-11-22 03:57:06.381982','2026-11-23 03:57:06.381982');
INSERT INTO "budget" VALUES('f93053a5efb0f6a56d39b909e33035986c106896a08d32b2c8f9bc5ea6a60e46',1,'2026-11-22 03:57:06.381982','2026-11-22 04:57:06.381982');
INSERT INTO "budget" VALUES('603f9f295bc34c1ee937907c707ba1950ce7a57459f736417282d63fff5f63ab',1,'2026-11-22 03:57:08.632584','2026-11-23 03:57:08.632584');
INSERT INTO "budget" VALUES('82f509c0124e30f87d49ec82f74ebca65a372fb8c5064da17184aab721e675c1',1,'2026-11-22 03:57:08.632584','2026-11-23 03:57:08.632584');
INSERT INTO "budget" VALUES('ae32f60042d346b17fc9d7850f725f342f2030863d1830420e2d8a8541ec0ea2',1,'2026-11-22 03:57:13.032719','2026-11-22 04:57:13.032719');
CREATE TABLE cms_user (
	id INTEGER NOT NULL, 
	username VARCHAR(50) NOT NULL, 
	username_key VARCHAR(100) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	email_key VARCHAR(254) NOT NULL, 
	email_version INTEGER NOT NULL, 
	password_hash VARCHAR(200) NOT NULL, 
	is_superuser BOOLEAN NOT NULL, 
	is_active BOOLEAN NOT NULL, 
	language VARCHAR(10), 
	mobile VARCHAR(20), 
	staff_number INTEGER, 
	gender VARCHAR(10), 
	city VARCHAR(40), 
	interests JSON NOT NULL, 
	profile_version INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	acted_at DATETIME NOT NULL, 
	frozen_until DATETIME, 
	audit_rows INTEGER NOT NULL, 
	audit_chain VARCHAR(64) NOT NULL, password_version INTEGER DEFAULT '1' NOT NULL, signed_in_at DATETIME, time_zone VARCHAR(64), 
	CONSTRAINT pk_cms_user PRIMARY KEY (id), 
	CONSTRAINT uq_cms_user_email_key UNIQUE (email_key), 
	CONSTRAINT uq_cms_user_username_key UNIQUE (username_key)
);
INSERT INTO "cms_user" VALUES(1,'ann','ann','ann@example.com','ann@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$ZGpgfYEStfVwJwq7heAwdg$crlHZp+7Yap46cDoYL+b9YiqSsG1uY3wmvYYN8qGsog',1,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 03:56:28.049272','2026-11-22 03:57:13.079332',NULL,3,'106ec44fe6abc1ecd7d89363a532146fac91762c301607594b1c5a380345dbc8',1,'2026-11-22 03:56:58.487475',NULL);
INSERT INTO "cms_user" VALUES(2,'bob','bob','bob@example.com','bob@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$S15OWWjD4+yVbea6TpWM3A$NLt1iBt8zIMHRj2teHGJvh1wJRv1YTE7XS0q6AIk/jk',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 03:56:34.282009','2026-11-22 03:57:08.633233',NULL,4,'b2c4b9284ebce569624775e82616fb47c5aeba245d8e4248b03e272c37210063',1,'2026-11-22 03:56:59.015225',NULL);
INSERT INTO "cms_user" VALUES(3,'carol','carol','carol.new@example.com','carol.new@example.com',2,'$argon2id$v=19$m=19456,t=2,p=1$PCXTjFDASqfJ9rp7WqbmqQ$CA3AiPgOBzS2m6ciB/qw6dZxULILiAQZBdf9qCSpW70',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 03:56:39.921054','2026-11-22 03:57:03.738166',NULL,5,'ab5e531088698aceddf89543eeb6b5521925570457c75ab26b0b6c1911a075bd',1,'2026-11-22 03:56:59.212753',NULL);
INSERT INTO "cms_user" VALUES(4,'dan','dan','dan@example.com','dan@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$j91qIoRQEuaVGgwKbNWbZA$U0IXBKL3l7bBNwN6P3D8C94K7bD/GAjCvLpyAk1t5kc',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 03:56:44.221334','2026-11-22 03:56:44.332425',NULL,1,'4b89b4bc7a707de642d98c6120ac86075cc519b94d8cf54d47dee818c99f1b2d',1,NULL,NULL);
INSERT INTO "cms_user" VALUES(5,'eve','eve','eve@example.com','eve@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$BbpitmY+3ERTTQdQQZoHrQ$xjWxewo1ZCu7wity5IwewUiIqbQBsY4bfK+30yw/dAM',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 03:56:49.140180','2026-11-22 03:57:20.723445',NULL,4,'8a6fefad77dd950d369bb92ccb92736c2b61e9c472ef406797d57e3c09f3ce1c',1,'2026-11-22 03:56:59.365280',NULL);
INSERT INTO "cms_user" VALUES(6,'fay','fay','fay@example.com','fay@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$qui8UuPdGMj0nIVzCLiC3A$gjRNqE8Oep6rqnZQcYFAiTOpvpYTOh6DGlizK2t6IJM',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 03:56:53.102301','2026-11-22 03:57:20.342859',NULL,2,'eaef91488733874cca9a9376b6e26cde568cda71cfa7f460ee8f77d383c4d399',1,NULL,NULL);
CREATE TABLE "email_change" (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	session_id INTEGER, 
	mail_id INTEGER, 
	email VARCHAR(254) NOT NULL, 
	email_key VARCHAR(254) NOT NULL, 
	email_version INTEGER NOT NULL, 
	nonce VARCHAR(32) NOT NULL, 
	old_nonce VARCHAR(32), 
	stop_hash VARCHAR(64) NOT NULL, 
	asked_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	tries INTEGER NOT NULL, 
	new_proved BOOLEAN NOT NULL, 
	old_proved BOOLEAN NOT NULL, 
	is_assisted BOOLEAN DEFAULT 0 NOT NULL, 
	started_by INTEGER, 
	network VARCHAR(64) DEFAULT '' NOT NULL, 
	browser VARCHAR(200) DEFAULT '' NOT NULL, 
	outcome VARCHAR(10) DEFAULT '' NOT NULL, 
	ended_by VARCHAR(50) DEFAULT '' NOT NULL, 
	CONSTRAINT pk_email_change PRIMARY KEY (id), 
	CONSTRAINT fk_email_change_mail_id FOREIGN KEY(mail_id) REFERENCES mail (id) ON DELETE SET NULL, 
	CONSTRAINT uq_email_change_user_id UNIQUE (user_id), 
	CONSTRAINT uq_email_change_stop_hash UNIQUE (stop_hash), 
	CONSTRAINT fk_email_change_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT fk_email_change_started_by FOREIGN KEY(started_by) REFERENCES cms_user (id) ON DELETE SET NULL, 
	CONSTRAINT fk_email_change_session_id FOREIGN KEY(session_id) REFERENCES login_session (id) ON DELETE SET NULL
);
INSERT INTO "email_change" VALUES(1,3,3,1,'carol.new@example.com','carol.new@example.com',1,'a1e15d34.erLagNvzhR-IYEyN5L8o4Q',NULL,'fb0270556a86c57ffd1b58267fd8181118b4dc26c4cfd7523f936a9d7b4e8e79','2026-11-22 03:56:59.542557','2026-11-22 04:06:59.469718',2,0,0,0,NULL,'127.0.0.1','Chrome 156, Linux','made','');
INSERT INTO "email_change" VALUES(2,2,2,4,'bob.new@example.com','bob.new@example.com',1,'a1e15d34.7pQUYlkeolxX5pnzMb-McQ',NULL,'6becfcc2c82e61742a22d1d2a602351aca99f07ac3f3340046f562c7984330db','2026-11-22 03:57:06.430354','2026-11-22 04:07:06.386953',1,0,0,0,NULL,'127.0.0.1','Chrome 156, Linux','','');
INSERT INTO "email_change" VALUES(3,6,NULL,8,'fay.new@example.com','fay.new@example.com',1,'',NULL,'6e141592fdca9c5c7a4346202a0af74c3754f7bf854d4ebf3eddee96ceab605c','2026-11-22 03:57:20.342507','2026-11-26 03:57:20.228332',0,0,0,1,1,'127.0.0.1','Chrome 156, Linux','','');
CREATE TABLE invitation (
	id INTEGER NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	email_key VARCHAR(254) NOT NULL, 
	is_superuser BOOLEAN NOT NULL, 
	invited_by INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_invitation PRIMARY KEY (id), 
	CONSTRAINT fk_invitation_invited_by FOREIGN KEY(invited_by) REFERENCES cms_user (id), 
	CONSTRAINT uq_invitation_email_key UNIQUE (email_key), 
	CONSTRAINT uq_invitation_token_hash UNIQUE (token_hash)
);
INSERT INTO "invitation" VALUES(1,'05831cdd0e55f064ac4b096253d129c62641e8fd36db94459f9e7a4981faaa93','gus@example.com','gus@example.com',0,1,'2026-11-22 03:57:13.046140','2026-11-25 03:57:13.046140');
CREATE TABLE link (
	id INTEGER NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	purpose VARCHAR(10) NOT NULL, 
	user_id INTEGER NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	email_key VARCHAR(254) NOT NULL, 
	email_version INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	ended_at DATETIME, since DATETIME, network VARCHAR(64) DEFAULT '' NOT NULL, browser VARCHAR(200) DEFAULT '' NOT NULL, 
	CONSTRAINT pk_link PRIMARY KEY (id), 
	CONSTRAINT fk_link_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_link_token_hash UNIQUE (token_hash)
);
INSERT INTO "link" VALUES(1,'d76a73c1a056dd16ca8babf28ba333501817d021e93c8a1454dbcb667dde7e91','undo',3,'carol@example.com','carol@example.com',2,'2026-11-22 03:57:03.749301','2026-11-29 03:57:03.749301',NULL,'2026-11-22 03:56:59.542557','127.0.0.1','Chrome 156, Linux');
INSERT INTO "link" VALUES(2,'090f2d2a61e54a6368d72ba4e632edff9859812c2db495b6b7c6d12cc5fb1846','prove',6,'fay.new@example.com','fay.new@example.com',1,'2026-11-22 03:57:20.230406','2026-11-26 03:57:20.230406',NULL,NULL,'','');
CREATE TABLE login_session (
	id INTEGER NOT NULL, 
	id_hash VARCHAR(64) NOT NULL, 
	user_id INTEGER NOT NULL, 
	remembered BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	proved_at DATETIME NOT NULL, 
	network VARCHAR(64) NOT NULL, 
	browser VARCHAR(200) NOT NULL, key_id VARCHAR(8), 
	CONSTRAINT pk_login_session PRIMARY KEY (id), 
	CONSTRAINT fk_login_session_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_login_session_id_hash UNIQUE (id_hash)
);
INSERT INTO "login_session" VALUES(1,'a1249e421baecffefb9b71a4bcbc2049b576a200757011c70b6ee1506d852a3a',1,0,'2026-11-22 03:56:58.487077','2026-11-22 03:56:58.487077','2026-11-22 03:56:58.487077','127.0.0.1','Chrome 156, Linux','a1e15d34');
INSERT INTO "login_session" VALUES(2,'a119a23ce269504c8d79d335b382b9ec15a7e41598b170262c864b0d473c45b8',2,0,'2026-11-22 03:56:59.010006','2026-11-22 03:56:59.010006','2026-11-22 03:56:59.010006','127.0.0.1','Chrome 156, Linux','a1e15d34');
INSERT INTO "login_session" VALUES(3,'6555c62cb5f5584696b232de68b4c0c4e90de4ae8e5ad2fdd4bc02c0229d23b8',3,0,'2026-11-22 03:56:59.212593','2026-11-22 03:56:59.212593','2026-11-22 03:56:59.212593','127.0.0.1','Chrome 156, Linux','a1e15d34');
CREATE TABLE mail (
	id INTEGER NOT NULL, 
	message_id VARCHAR(200) NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	user_id INTEGER, 
	recipient VARCHAR(254) NOT NULL, 
	subject TEXT NOT NULL, 
	body TEXT NOT NULL, 
	html TEXT NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	created_at DATETIME NOT NULL, 
	due_at DATETIME NOT NULL, 
	not_after DATETIME NOT NULL, 
	tries INTEGER NOT NULL, 
	done_at DATETIME, 
	problem VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_mail PRIMARY KEY (id), 
	CONSTRAINT fk_mail_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_mail_message_id UNIQUE (message_id)
);
INSERT INTO "mail" VALUES(1,'<179531981954.12839.16068363856902882201@example.net>','code',3,'carol.new@example.com','','','','sent','2026-11-22 03:56:59.540799','2026-11-22 03:59:32.944411','2026-11-22 04:06:59.469718',1,'2026-11-22 03:57:02.965249','');
INSERT INTO "mail" VALUES(2,'<179531981954.12839.195057352090567027@example.net>','heads_up',3,'carol@example.com','','','','sent','2026-11-22 03:56:59.540799','2026-11-22 03:59:32.944411','2026-11-22 04:06:59.469718',1,'2026-11-22 03:57:02.978946','');
INSERT INTO "mail" VALUES(3,'<179531982375.12839.963502492928951282@example.net>','changed',3,'carol@example.com','','','','sent','2026-11-22 03:57:03.756497','2026-11-22 03:59:35.610348','2026-11-25 03:57:03.756497',1,'2026-11-22 03:57:05.635553','');
INSERT INTO "mail" VALUES(4,'<179531982642.12825.9094014728495834560@example.net>','code',2,'bob.new@example.com','','','','sent','2026-11-22 03:57:06.428947','2026-11-22 03:59:37.973785','2026-11-22 04:07:06.386953',1,'2026-11-22 03:57:08.006042','');
INSERT INTO "mail" VALUES(5,'<179531982642.12825.10813266252736206787@example.net>','heads_up',2,'bob@example.com','','','','sent','2026-11-22 03:57:06.428947','2026-11-22 03:59:37.973785','2026-11-22 04:07:06.386953',1,'2026-11-22 03:57:08.016096','');
INSERT INTO "mail" VALUES(6,'<179531983306.12839.12563514636429452570@example.net>','invitation',1,'gus@example.com','','','','sent','2026-11-22 03:57:13.066589','2026-11-22 03:59:47.687087','2026-11-25 03:57:13.046140',1,'2026-11-22 03:57:17.794325','');
INSERT INTO "mail" VALUES(7,'<179531984029.12839.12372651563954032991@example.net>','assisted',6,'fay@example.com','','','','sent','2026-11-22 03:57:20.299550','2026-11-22 03:59:56.270090','2026-11-25 03:57:20.299550',1,'2026-11-22 03:57:26.389453','');
INSERT INTO "mail" VALUES(8,'<179531984034.12839.15042702106858853314@example.net>','assisted_proof',6,'fay.new@example.com','请确认您的新邮箱','fay，您好：

已为您发起邮箱修改，您账号的邮箱将改为此邮箱。请通过以下链接确认：

http://127.0.0.1:31938/cms/resetemail/prove/Wanh9gyP-L4-EyKvnA6gstMsQ8RBR4lQ_1uFfmvwaSo/

时间：2026-11-22 03:57 UTC
操作人：ann

如果您不知情，请忽略此邮件，不会有任何改动。

-- 
账号中心 · 127.0.0.1:31938
','<!doctype html>
<html lang="zh">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>账号中心</title>
  </head>
  <body style="margin:0;padding:24px 12px;font-family:-apple-system,''Segoe UI'',Roboto,''PingFang SC'',''Microsoft YaHei'',''Noto Sans CJK SC'',sans-serif;font-size:16px;line-height:1.6">
    <div style="max-width:560px;margin:0 auto;padding:24px;border:1px solid #c9cede;border-radius:12px">
      <p style="margin:0 0 20px;padding-bottom:12px;border-bottom:1px solid #c9cede;font-weight:bold;overflow-wrap:anywhere">账号中心 · 127.0.0.1:31938</p>
      
<p>fay，您好：</p>
<p>已为您发起邮箱修改，您账号的邮箱将改为此邮箱。请通过以下链接确认：</p>
<p style="margin:20px 0"><a href="http://127.0.0.1:31938/cms/resetemail/prove/Wanh9gyP-L4-EyKvnA6gstMsQ8RBR4lQ_1uFfmvwaSo/" style="display:inline-block;padding:12px 24px;border:1px solid #2f6fde;border-radius:8px;background-color:#2f6fde;color:#ffffff;font-weight:bold;text-decoration:none">确认新邮箱</a></p>
<p style="font-size:14px">如果按钮无法点击，请打开以下网址：<br><a href="http://127.0.0.1:31938/cms/resetemail/prove/Wanh9gyP-L4-EyKvnA6gstMsQ8RBR4lQ_1uFfmvwaSo/" style="color:inherit;word-break:break-all">http://127.0.0.1:31938/cms/resetemail/prove/Wanh9gyP-L4-EyKvnA6gstMsQ8RBR4lQ_1uFfmvwaSo/</a></p>
<p style="padding-left:12px;border-left:3px solid #8a93b0;overflow-wrap:anywhere">时间：2026-11-22 03:57 UTC<br>
操作人：ann</p>
<p>如果您不知情，请忽略此邮件，不会有任何改动。</p>

    </div>
  </body>
</html>','queued','2026-11-22 03:57:20.341910','2026-11-23 03:57:20.228332','2026-11-26 03:57:20.228332',0,NULL,'');
INSERT INTO "mail" VALUES(9,'<179531984835.12825.609333849736539047@example.net>','task:password_link',NULL,'dan@example.com','','{"request_id": "f9f84507a9b44db2", "origin": {"network": "127.0.0.1", "browser": "Chrome 156, Linux", "site": "http://127.0.0.1:31938", "time_zone": ""}, "language": "zh"}','','queued','2026-11-22 03:57:28.355260','2026-11-22 03:57:28.355260','2026-11-25 03:57:28.355260',0,NULL,'');
CREATE INDEX ix_budget_resets_at ON budget (resets_at);
CREATE INDEX ix_cms_user_created_at ON cms_user (created_at);
CREATE INDEX ix_link_email_key ON link (email_key);
CREATE INDEX ix_link_user_id_purpose ON link (user_id, purpose);
CREATE INDEX ix_login_session_user_id ON login_session (user_id);
CREATE INDEX ix_mail_state_due_at ON mail (state, due_at);
CREATE INDEX ix_mail_user_id ON mail (user_id);
CREATE INDEX ix_invitation_created_at ON invitation (created_at);
CREATE INDEX ix_invitation_expires_at ON invitation (expires_at);
CREATE INDEX ix_link_ended_at ON link (ended_at);
CREATE INDEX ix_link_expires_at ON link (expires_at);
CREATE INDEX ix_login_session_remembered_created_at ON login_session (remembered, created_at);
CREATE INDEX ix_login_session_remembered_seen_at ON login_session (remembered, seen_at);
CREATE INDEX ix_mail_done_at ON mail (done_at);
CREATE INDEX ix_audit_actor_id_at ON audit (actor_id, at);
CREATE INDEX ix_email_change_session_id ON email_change (session_id);
CREATE INDEX ix_email_change_mail_id ON email_change (mail_id);
CREATE INDEX ix_email_change_expires_at ON email_change (expires_at);
CREATE INDEX ix_email_change_started_by ON email_change (started_by);
CREATE INDEX ix_email_change_is_assisted ON email_change (asked_at, id) WHERE is_assisted = 1;
COMMIT;
