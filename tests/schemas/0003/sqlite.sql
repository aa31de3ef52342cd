BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0003');
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
	chain VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_audit PRIMARY KEY (id), 
	CONSTRAINT fk_audit_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id), 
	CONSTRAINT uq_audit_user_id_number UNIQUE (user_id, number)
);
INSERT INTO "audit" VALUES(1,1,1,'administrator_created',1,'2026-11-22 00:58:30.504633','2026-11-22 00:58:30.504633',1,'-','command line','{"superuser": true}','7fcd3e18b296a4ad60a9598661dc6aa0bfda9220de1e6c96e1f9de4f134706ad');
INSERT INTO "audit" VALUES(2,2,1,'administrator_created',2,'2026-11-22 00:58:31.801947','2026-11-22 00:58:31.801947',1,'-','command line','{"superuser": false}','5bf4f2eeb6ffaa2d287631b1959d324e43d26672f930dbe2b7f4ca8f2ee3d512');
INSERT INTO "audit" VALUES(3,3,1,'administrator_created',3,'2026-11-22 00:58:33.112607','2026-11-22 00:58:33.112607',1,'-','command line','{"superuser": false}','c31b03aba2361e48b7d1d3bc885da9eec66c7b4a451118363bef94ce58b51f45');
INSERT INTO "audit" VALUES(4,4,1,'administrator_created',4,'2026-11-22 00:58:35.036302','2026-11-22 00:58:35.036302',1,'-','command line','{"superuser": false}','6556b96163a3468435407042cd7b00d1c9433b4fcfb757bcbd18f8aa99f7f80b');
INSERT INTO "audit" VALUES(5,5,1,'administrator_created',5,'2026-11-22 00:58:37.429145','2026-11-22 00:58:37.429145',1,'-','command line','{"superuser": false}','7cdb53a406224244fb63297321b23cd30854e4002b61e8db1c1b266ce7d272b6');
INSERT INTO "audit" VALUES(6,6,1,'administrator_created',6,'2026-11-22 00:58:38.860882','2026-11-22 00:58:38.860882',1,'-','command line','{"superuser": false}','cc471b0c75a31727fa5563cbe6ab70af4c5da553db1311110ed35fb37be243da');
INSERT INTO "audit" VALUES(7,1,2,'signed_in',1,'2026-11-22 00:58:40.409991','2026-11-22 00:58:40.409991',1,'127.0.0.1','Chrome 156, Linux','{}','4498afe10de40c166598222f7782d2398036be1599a1c3d3089d4632652e66b0');
INSERT INTO "audit" VALUES(8,2,2,'signed_in',2,'2026-11-22 00:58:40.467128','2026-11-22 00:58:40.467128',1,'127.0.0.1','Chrome 156, Linux','{}','97045f6bcbac5642f25d8c395c542768bb70eb84e6b82689b102806943db2207');
INSERT INTO "audit" VALUES(9,3,2,'signed_in',3,'2026-11-22 00:58:40.501730','2026-11-22 00:58:40.501730',1,'127.0.0.1','Chrome 156, Linux','{}','d5f7b512a0cdcdd8066b7606d9d36d51e229a589521cef34a0a5b3d4504f19a1');
INSERT INTO "audit" VALUES(10,5,2,'signed_in',5,'2026-11-22 00:58:40.533884','2026-11-22 00:58:40.533884',1,'127.0.0.1','Chrome 156, Linux','{}','1f2fa0558aaacd71350dc658ac0fad1fe87179a20f1e38b2ffb06c74f04f6465');
INSERT INTO "audit" VALUES(11,3,3,'code_requested',3,'2026-11-22 00:58:40.602805','2026-11-22 00:58:40.602805',1,'127.0.0.1','Chrome 156, Linux','{"email": "carol.new@example.com"}','e6c6c5536822920ba4abd447d8439886be87c617b1daca93a9db17e3bb4ef02e');
INSERT INTO "audit" VALUES(12,3,4,'code_wrong',3,'2026-11-22 00:58:41.649304','2026-11-22 00:58:41.649304',1,'127.0.0.1','Chrome 156, Linux','{"email": "carol.new@example.com"}','2655576ef312309cbec997e02189af5ad46ffd8bd1cdee42557b654a872967b3');
INSERT INTO "audit" VALUES(13,3,5,'email_changed',3,'2026-11-22 00:58:41.659667','2026-11-22 00:58:41.659667',1,'127.0.0.1','Chrome 156, Linux','{"new": "carol.new@example.com", "old": "carol@example.com"}','2c0e5108d84abb5112fa00f60f16a2574d82fd2a2fe9deb68753bfaca6ec591c');
INSERT INTO "audit" VALUES(14,2,3,'code_requested',2,'2026-11-22 00:58:43.064032','2026-11-22 00:58:43.064032',1,'127.0.0.1','Chrome 156, Linux','{"email": "bob.new@example.com"}','66a041d73245c15dd8a4a37d1237b0397c7bf4526409ef67a1b0c70ba7d693e5');
INSERT INTO "audit" VALUES(15,2,4,'code_wrong',2,'2026-11-22 00:58:44.141437','2026-11-22 00:58:44.141437',1,'127.0.0.1','Chrome 156, Linux','{"email": "bob.new@example.com"}','a556ffd936ef2f40868eb4d2dc0b4d9ae66ea88b76e5f7f6ac55f9e8a8e5f0ec');
INSERT INTO "audit" VALUES(16,1,3,'invitation_sent',1,'2026-11-22 00:58:45.139726','2026-11-22 00:58:45.139726',1,'127.0.0.1','Chrome 156, Linux','{"email": "gus@example.com", "superuser": false}','bc7c527b3152453ba158898d40bb52b92a5dcdf9801351d1dbfa11a1d575e527');
INSERT INTO "audit" VALUES(17,6,2,'change_started',1,'2026-11-22 00:58:46.484433','2026-11-22 00:58:46.484433',1,'127.0.0.1','Chrome 156, Linux','{"by": "ann", "email": "fay.new@example.com", "reason": "lost her mailbox"}','d8e3ce1ae072e95e3b38b59d432ac401cec91e90acc76a302b7f0015a3235389');
INSERT INTO "audit" VALUES(18,5,3,'signed_out',5,'2026-11-22 00:58:46.726302','2026-11-22 00:58:46.726302',1,'127.0.0.1','Chrome 156, Linux','{}','ce4450c16bebd98a8ec7480b4d17294f92ce1fd3c54110f76edbdede44dfc151');
INSERT INTO "audit" VALUES(19,5,4,'sign_in_failed',5,'2026-11-22 00:58:46.521159','2026-11-22 00:58:46.714577',3,'127.0.0.1','Chrome 156, Linux','{}','251962a1346f392307b453be7f8dff0a18d07ba7452edaf074a9cf60e197992f');
CREATE TABLE budget (
	"key" VARCHAR(64) NOT NULL, 
	used INTEGER NOT NULL, 
	used_at DATETIME NOT NULL, 
	resets_at DATETIME NOT NULL, 
	CONSTRAINT pk_budget PRIMARY KEY ("key")
);
INSERT INTO "budget" VALUES('2473c4d9ad1cd8e2779b13295bba09a8487b72b57daf50f3dc21580436ef0fcf',1,'2026-11-22 00:58:40.563190','2026-11-22 01:58:40.563190');
INSERT INTO "budget" VALUES('4d52d9181fbecfde1d766b282dcbaee9baf05cb04ac36c518732dafaf34ff2e5',1,'2026-11-22 00:58:40.563190','2026-11-22 01:58:40.563190');
INSERT INTO "budget" VALUES('d13fe704acec3384faeaf4a12fe898418d7fd387d178ad136c841af9354f8a4d',1,'2026-11-22 00:58:40.563190','2026-11-23 00:58:40.563190');
INSERT INTO "budget" VALUES('dae428aad6b057aa354b438cded2fb1f9f751241e07ea2b6cfd114e1a72a0bbc',2,'2026-11-22 00:58:43.060836','2026-11-22 01:58:40.563190');
INSERT INTO "budget" VALUES('0c938d5a29069cb229fc7ed3880b5c4aef52721bda6d9ead5f72edd3716cde15',2,'2026-11-22 00:58:41.659223','2026-11-23 00:58:41.648675');
INSERT INTO "budget" VALUES('2319e8a1d3803deb9815b114c1ceb0b62e7e29df8b51946fb38bfbf60d001dd1',2,'2026-11-22 00:58:41.659223','2026-11-23 00:58:41.648675');
INSERT INTO "budget" VALUES('2beefded8416fa255543a5a93bc420c16fa09e175b428f7a8346660d9a1bea66',1,'2026-11-22 00:58:43.060836','2026-11-22 01:58:43.060836');
INSERT INTO "budget" VALUES('e819d40996c06513a021915c4c30e8b40f86a5af9327eab3416a226befa66821',1,'2026-11-22 00:58:43.060836','2026-11-23 00:58:43.060836');
INSERT INTO "budget" VALUES('f93053a5efb0f6a56d39b909e33035986c106896a08d32b2c8f9bc5ea6a60e46',1,'2026-11-22 00:58:43.060836','2026-11-22 01:58:43.060836');
INSERT INTO "budget" VALUES('603f9f295bc34c1ee937907c707ba1950ce7a57459f736417282d63fff5f63ab',1,'2026-11-22 00:58:44.140961','2026-11-23 00:58:44.140961');
INSERT INTO "budget" VALUES('82f509c0124e30f87d49ec82f74ebca65a372fb8c5064da17184aab721e675c1',1,'2026-11-22 00:58:44.140961','2026-11-23 00:58:44.140961');
INSERT INTO "budget" VALUES('ae32f60042d346b17fc9d7850f725f342f2030863d1830420e2d8a8541ec0ea2',1,'2026-11-22 00:58:45.132438','2026-11-22 01:58:45.132438');
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
	audit_chain VARCHAR(64) NOT NULL, password_version INTEGER DEFAULT '1' NOT NULL, 
	CONSTRAINT pk_cms_user PRIMARY KEY (id), 
	CONSTRAINT uq_cms_user_email_key UNIQUE (email_key), 
	CONSTRAINT uq_cms_user_username_key UNIQUE (username_key)
);
INSERT INTO "cms_user" VALUES(1,'ann','ann','ann@example.com','ann@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$ScPHbFCj7h6YDMyuQtCDKw$RdnqcZ+vgLILDQ/z0vZgZ4MsdQfdxjoR6orVQXW0AGI',1,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 00:58:30.501953','2026-11-22 00:58:46.462333',NULL,3,'bc7c527b3152453ba158898d40bb52b92a5dcdf9801351d1dbfa11a1d575e527',1);
INSERT INTO "cms_user" VALUES(2,'bob','bob','bob@example.com','bob@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$LNhMgzvRt63RL/XU5x205Q$FvH5GanKlddYBK0WOte06+uvUQeMnHCp2iL/XE5AOvY',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 00:58:31.799228','2026-11-22 00:58:44.139975',NULL,4,'a556ffd936ef2f40868eb4d2dc0b4d9ae66ea88b76e5f7f6ac55f9e8a8e5f0ec',1);
INSERT INTO "cms_user" VALUES(3,'carol','carol','carol.new@example.com','carol.new@example.com',2,'$argon2id$v=19$m=19456,t=2,p=1$CtDBgp2PIckpQJlcfXkS2A$IRRFWl3tYLeNufwp0YkfF9LW+jpzCIJ4e3EoUGfkRBA',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 00:58:33.109917','2026-11-22 00:58:41.658268',NULL,5,'2c0e5108d84abb5112fa00f60f16a2574d82fd2a2fe9deb68753bfaca6ec591c',1);
INSERT INTO "cms_user" VALUES(4,'dan','dan','dan@example.com','dan@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$ofdG+RfW4QSJ7hae8XGLgA$4ilSNbf8B+G9+UKemDXPrm2ehpNP3DRIiz80dNVxnaE',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 00:58:35.033732','2026-11-22 00:58:35.033732',NULL,1,'6556b96163a3468435407042cd7b00d1c9433b4fcfb757bcbd18f8aa99f7f80b',1);
INSERT INTO "cms_user" VALUES(5,'eve','eve','eve@example.com','eve@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$hVDB1c7RMVyFEMpnsBLafQ$mw+yhIJ7cNNqglCw7pxPAQ0UOYOOPcMuxdKzsfr84Jo',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 00:58:37.426134','2026-11-22 00:58:48.967522',NULL,4,'251962a1346f392307b453be7f8dff0a18d07ba7452edaf074a9cf60e197992f',1);
INSERT INTO "cms_user" VALUES(6,'fay','fay','fay@example.com','fay@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$O3JZ8FxWbCDa5ig34w3jww$eB8y5g3uU43Gfc5wze5H8pZ+4F83oxbVrlX0EEeCw38',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 00:58:38.857382','2026-11-22 00:58:46.462333',NULL,2,'d8e3ce1ae072e95e3b38b59d432ac401cec91e90acc76a302b7f0015a3235389',1);
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
	CONSTRAINT fk_email_change_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_email_change_user_id UNIQUE (user_id), 
	CONSTRAINT uq_email_change_stop_hash UNIQUE (stop_hash), 
	CONSTRAINT fk_email_change_mail_id FOREIGN KEY(mail_id) REFERENCES mail (id) ON DELETE SET NULL, 
	CONSTRAINT fk_email_change_started_by FOREIGN KEY(started_by) REFERENCES cms_user (id) ON DELETE SET NULL, 
	CONSTRAINT fk_email_change_session_id FOREIGN KEY(session_id) REFERENCES login_session (id) ON DELETE SET NULL
);
INSERT INTO "email_change" VALUES(1,3,3,1,'carol.new@example.com','carol.new@example.com',1,'af5456f005dfefcf8494fbec671040ee',NULL,'43c048a2cf9b278123acf89bc4a7f7b959694f38487d8f2e999d43ff227427e9','2026-11-22 00:58:40.600374','2026-11-22 01:08:40.566173',2,0,1,0,NULL,'127.0.0.1','Chrome 156, Linux','made','');
INSERT INTO "email_change" VALUES(2,2,2,4,'bob.new@example.com','bob.new@example.com',1,'dfcc6272d271464b1d70f28c615a6500',NULL,'a55165f2b8716fdcabcc5991fe83794fe8a2a4fd08bb667e0da75c97fe3f5aea','2026-11-22 00:58:43.063854','2026-11-22 01:08:43.061308',1,0,1,0,NULL,'127.0.0.1','Chrome 156, Linux','','');
INSERT INTO "email_change" VALUES(3,6,NULL,8,'fay.new@example.com','fay.new@example.com',1,'',NULL,'49e5c895ee25bc8b5b19d2154b4dec3f070d31784be753dd4436e11df4992c1f','2026-11-22 00:58:46.484234','2026-11-26 00:58:46.467056',0,0,0,1,1,'127.0.0.1','Chrome 156, Linux','','');
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
INSERT INTO "invitation" VALUES(1,'190200cb17db3175e2342e1da2dc7db22ffd17983c2c2350384de8767c38eca7','gus@example.com','gus@example.com',0,1,'2026-11-22 00:58:45.133214','2026-11-25 00:58:45.133214');
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
INSERT INTO "link" VALUES(1,'1ad0bfc188a883cda50fd614bdaa0a06e52518a81ea79cb05b243a8cdbd7dfe6','undo',3,'carol@example.com','carol@example.com',2,'2026-11-22 00:58:41.662806','2026-11-29 00:58:41.662806',NULL,'2026-11-22 00:58:40.600374','127.0.0.1','Chrome 156, Linux');
INSERT INTO "link" VALUES(2,'48b55b4ff54c7999ededd10716dd70cd71ec8b94deec7a5cccdb50e5294b49fc','prove',6,'fay.new@example.com','fay.new@example.com',1,'2026-11-22 00:58:46.468455','2026-11-26 00:58:46.468455',NULL,NULL,'','');
CREATE TABLE login_session (
	id INTEGER NOT NULL, 
	id_hash VARCHAR(64) NOT NULL, 
	user_id INTEGER NOT NULL, 
	remembered BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	proved_at DATETIME NOT NULL, 
	network VARCHAR(64) NOT NULL, 
	browser VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_login_session PRIMARY KEY (id), 
	CONSTRAINT fk_login_session_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_login_session_id_hash UNIQUE (id_hash)
);
INSERT INTO "login_session" VALUES(1,'8c03cb484a119ac442ccff076ce04d77b9b25da22b9018b017dcf188427864c2',1,0,'2026-11-22 00:58:40.409827','2026-11-22 00:58:40.409827','2026-11-22 00:58:40.409827','127.0.0.1','Chrome 156, Linux');
INSERT INTO "login_session" VALUES(2,'2fd55d45f89888a69151bc49217cb7d67ec34f93a3ab18c60360fec2930dbac6',2,0,'2026-11-22 00:58:40.466913','2026-11-22 00:58:40.466913','2026-11-22 00:58:40.466913','127.0.0.1','Chrome 156, Linux');
INSERT INTO "login_session" VALUES(3,'86ba2f4f09f6f5c4d7f71224532a12a420308e0c3d4b8cfcb91df321d702a367',3,0,'2026-11-22 00:58:40.501593','2026-11-22 00:58:40.501593','2026-11-22 00:58:40.501593','127.0.0.1','Chrome 156, Linux');
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
INSERT INTO "mail" VALUES(1,'<179530912059.535.13604221735948428200@example.net>','code',3,'carol.new@example.com','','','','sent','2026-11-22 00:58:40.591350','2026-11-22 01:01:11.247792','2026-11-22 01:08:40.566173',1,'2026-11-22 00:58:41.325101','');
INSERT INTO "mail" VALUES(2,'<179530912059.535.17692637434399829123@example.net>','heads_up',3,'carol@example.com','','','','sent','2026-11-22 00:58:40.599919','2026-11-22 01:01:11.328060','2026-11-22 01:08:40.593482',1,'2026-11-22 00:58:41.337565','');
INSERT INTO "mail" VALUES(3,'<179530912167.535.8143153728395093892@example.net>','changed',3,'carol@example.com','','','','sent','2026-11-22 00:58:41.672905','2026-11-22 01:01:12.662534','2026-11-25 00:58:41.672905',1,'2026-11-22 00:58:42.752239','');
INSERT INTO "mail" VALUES(4,'<179530912306.535.11906285510411740687@example.net>','code',2,'bob.new@example.com','','','','sent','2026-11-22 00:58:43.062637','2026-11-22 01:01:13.769439','2026-11-22 01:08:43.061308',1,'2026-11-22 00:58:43.859576','');
INSERT INTO "mail" VALUES(5,'<179530912306.535.3845286693036377920@example.net>','heads_up',2,'bob@example.com','','','','sent','2026-11-22 00:58:43.063696','2026-11-22 01:01:13.862736','2026-11-22 01:08:43.062983',1,'2026-11-22 00:58:43.875130','');
INSERT INTO "mail" VALUES(6,'<179530912513.535.14593993700615064317@example.net>','invitation',1,'gus@example.com','','','','sent','2026-11-22 00:58:45.139465','2026-11-22 01:01:15.967467','2026-11-25 00:58:45.133214',1,'2026-11-22 00:58:46.065074','');
INSERT INTO "mail" VALUES(7,'<179530912647.535.3824881632035449762@example.net>','assisted',6,'fay@example.com','','','','sent','2026-11-22 00:58:46.477378','2026-11-22 01:01:18.835776','2026-11-25 00:58:46.477378',1,'2026-11-22 00:58:48.935181','');
INSERT INTO "mail" VALUES(8,'<179530912648.535.16467868213218609067@example.net>','assisted_proof',6,'fay.new@example.com','请确认您的新邮箱','fay，您好：

已为您发起邮箱修改，将把您账号的邮箱修改为此邮箱。请通过此链接完成修改：

http://127.0.0.1:30892/cms/resetemail/prove/8UZYCGmWer-bB3C9Cphqk_SpWs0ExHmwGHjKFVWs-AU/

时间：2026-11-22 00:58 UTC
操作人：ann

如果您不知情，请忽略此邮件，不会有任何改动。

-- 
账号中心 · 127.0.0.1:30892
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
      <p style="margin:0 0 20px;padding-bottom:12px;border-bottom:1px solid #c9cede;font-weight:bold;overflow-wrap:anywhere">账号中心 · 127.0.0.1:30892</p>
      
<p>fay，您好：</p>
<p>已为您发起邮箱修改，将把您账号的邮箱修改为此邮箱。请通过此链接完成修改：</p>
<p style="margin:20px 0"><a href="http://127.0.0.1:30892/cms/resetemail/prove/8UZYCGmWer-bB3C9Cphqk_SpWs0ExHmwGHjKFVWs-AU/" style="display:inline-block;padding:12px 24px;border:1px solid #2f6fde;border-radius:8px;background-color:#2f6fde;color:#ffffff;font-weight:bold;text-decoration:none">确认新邮箱</a></p>
<p style="font-size:14px">如果按钮无法点击，请打开以下网址：<br><a href="http://127.0.0.1:30892/cms/resetemail/prove/8UZYCGmWer-bB3C9Cphqk_SpWs0ExHmwGHjKFVWs-AU/" style="color:inherit;word-break:break-all">http://127.0.0.1:30892/cms/resetemail/prove/8UZYCGmWer-bB3C9Cphqk_SpWs0ExHmwGHjKFVWs-AU/</a></p>
<p style="padding-left:12px;border-left:3px solid #8a93b0;overflow-wrap:anywhere">时间：2026-11-22 00:58 UTC<br>
操作人：ann</p>
<p>如果您不知情，请忽略此邮件，不会有任何改动。</p>

    </div>
  </body>
</html>','queued','2026-11-22 00:58:46.483724','2026-11-23 00:58:46.467056','2026-11-26 00:58:46.467056',0,NULL,'');
INSERT INTO "mail" VALUES(9,'<179530912652.535.13157446272743923003@example.net>','errand:sign_in_refused',NULL,'eve@example.com','','','','sent','2026-11-22 00:58:46.521230','2026-11-22 01:01:18.939099','2026-11-25 00:58:46.521230',1,'2026-11-22 00:58:48.952432','');
INSERT INTO "mail" VALUES(10,'<179530912665.536.10249161441999183619@example.net>','errand:sign_in_refused',NULL,'eve@example.com','','','','sent','2026-11-22 00:58:46.657083','2026-11-22 01:01:18.954464','2026-11-25 00:58:46.657083',1,'2026-11-22 00:58:48.961541','');
INSERT INTO "mail" VALUES(11,'<179530912671.536.1371814951250599338@example.net>','errand:sign_in_refused',NULL,'eve@example.com','','','','sent','2026-11-22 00:58:46.714654','2026-11-22 01:01:18.965004','2026-11-25 00:58:46.714654',1,'2026-11-22 00:58:48.969307','');
INSERT INTO "mail" VALUES(12,'<179530912932.535.9235966542746337757@example.net>','errand:password_link',NULL,'dan@example.com','','{"where": {"network": "127.0.0.1", "browser": "Chrome 156, Linux", "site": "http://127.0.0.1:30892"}, "language": "zh"}','','queued','2026-11-22 00:58:49.322123','2026-11-22 00:58:49.322123','2026-11-25 00:58:49.322123',0,NULL,'');
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
CREATE INDEX ix_email_change_mail_id ON email_change (mail_id);
CREATE INDEX ix_email_change_expires_at ON email_change (expires_at);
CREATE INDEX ix_email_change_session_id ON email_change (session_id);
CREATE INDEX ix_email_change_started_by ON email_change (started_by);
COMMIT;
